// What a dashboard is checked against: Grafana's own published types, named so that one JSON schema holds them all.
// Options are Partial because Grafana fills in the defaults of those that a dashboard leaves out.
import type { Dashboard } from '@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type * as nodegraph from '@grafana/schema/dist/types/raw/composable/nodegraph/panelcfg/x/types.gen';
import type * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type * as table from '@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import type * as timeseries from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';

export interface Checked {
  dashboard: Dashboard;
  nodeGraph_options: Partial<nodegraph.Options>;
  stat_options: Partial<stat.Options>;
  table_options: Partial<table.Options>;
  table_custom: Partial<table.FieldConfig>;
  timeseries_options: Partial<timeseries.Options>;
  timeseries_custom: Partial<timeseries.FieldConfig>;
}
