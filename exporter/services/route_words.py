"""Words that the paths of web applications are made of: evidence of what names a part of a path, not a list of routes.

A word that is not here is learnt from the traffic; one that is here need not be seen as often to be believed.
"""

ACTIONS = (
    "accept activate add all apply approve archive assign authorize autocomplete bulk callback cancel capture change "
    "charge check checkin checkout checkpoint choose claim clear clone close comment complete config configure confirm "
    "connect contact continue copy count create current deactivate debug default delete deny detail details disable "
    "disconnect dislike done download draft duplicate edit enable end evaluate execute export favorite fetch filter "
    "finish follow forgot forgot-password generate help history import index info init invite join latest leave like "
    "list load lock login logout logoff lookup lost-password me merge modify move my new next notify open patch pause "
    "pay ping place-order popular preview process promote publish purchase query random read recent recover redeem "
    "redirect refresh refund register reject reload remove rename reorder replace reply report request reset "
    "reset-password resolve restart restore resume retry return revoke rotate run save schedule search self send "
    "set share sign-in sign-out sign-up signin signout signup signoff start stats status stop submit subscribe suggest "
    "summary suspend switch sync test toggle top total track trending trigger unfollow unlock unpublish unsubscribe "
    "update upgrade upload upsert validate verify view vote watch withdraw write"
)
PLACES = (
    "- _next _nuxt about about-us admin agent agents analytics api apis app apps asset assets auth authentication "
    "authorization backend backoffice basket batch beta billing blog board build bundles cache calendar callbacks cart "
    "carts cdn chat cms common console content core cron css dashboard data db dev dist docs document documentation "
    "download downloads en explorer external faq feed feeds files finance fonts forum frontend gateway graphql "
    "graphiql guest health healthcheck healthz home hooks i18n icons images img inbox includes integration "
    "integrations internal inventory invoice js json jobs language latest lib library live livez locale mail mailbox "
    "maintenance management manager map maps market marketplace media messages metadata metrics mobile modules "
    "monitoring news newsletter notification notifications oauth oauth2 odata offer offers openapi overview pages "
    "panel partner partners password payment payments portal preferences pricing privacy private profile progress "
    "prometheus public queue ready readyz reporting reports resources rest review reviews root rpc rss rum sales sdk "
    "section secure security server service services session sessions settings setup shared shipping shop site "
    "sitemap soap socket.io sso staff staging static stats statistics stock storage store stream support swagger "
    "system task tasks telemetry terms theme themes token tokens tools trace tracking traces translations ui uploads "
    "v1 v2 v3 v4 vendor version wallet web webhook webhooks website websocket widget widgets wishlist wp-admin "
    "wp-content wp-includes wp-json ws www .well-known"
)
THINGS = (
    "account accounts address addresses album albums alert alerts answer answers article articles artist artists "
    "attachment attachments author authors balance balances bid bids book booking bookings books brand brands "
    "campaign campaigns card cards catalog catalogue categories category channel channels cities city client clients "
    "collection collections comments companies company contacts contract contracts countries country coupon coupons "
    "course courses currencies currency customer customers deal deals delivery deliveries department departments "
    "device devices discount discounts doctor doctors domain domains email emails employee employees entries entry "
    "event events exam exams film films folder folders game games group groups hotel hotels image invitation "
    "invitations invoices item items job key keys label labels lead leads lesson lessons line lines link links "
    "location locations member members membership memberships menu menus message method methods model models movie "
    "movies note notes object objects order orders organisation organisations organization organizations page "
    "patient patients payout payouts people permission permissions person persons phone phones photo photos picture "
    "pictures plan plans play player players playlist playlists policies policy post posts price prices product "
    "products project projects promotion promotions property properties purchases question questions quote quotes "
    "rate rates rating ratings record records refunds region regions repo repos repositories repository reservation "
    "reservations resource result results returns role roles room rooms rule rules school schools seat seats seller "
    "sellers shipment shipments sku skus song songs stores student students subscription subscriptions supplier "
    "suppliers survey surveys tag tags team teams template templates tenant tenants thread threads ticket tickets "
    "topic topics transaction transactions transfer transfers trip trips type types user username usernames users "
    "variant variants vehicle vehicles venue venues video videos visit visits voucher vouchers warehouse warehouses "
    "workspace workspaces zone zones"
)
# Behind these, a title or a name comes, whether they are plural or not.
SHORT_THINGS = "a c e i m n o p q r s t u x id ids name named by slug reset verify invite search for in from to with"

WORDS = frozenset(f"{ACTIONS} {PLACES} {THINGS}".split())
_NAMED = frozenset(f"{THINGS} {SHORT_THINGS}".split())
# Plurals that are places rather than kinds of things.
_NO_PLURALS = frozenset(
    ("css", "js", "news", "cms", "status", "dns", "aws", "ads", "rss", "ios", "docs", "apis", "apps", "tools")
)


def has_members(word: str) -> bool:
    """Return whether what follows a word in a path is one of many of its kind."""
    plural = len(word) > 3 and word[-1] == "s" and word[-2:] not in ("ss", "us", "is") and word not in _NO_PLURALS
    return plural or word in _NAMED
