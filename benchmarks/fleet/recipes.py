"""All recipes, in the order of their start."""

from benchmarks.fleet.keeping import CACHES, DATABASES, OTHERS, QUEUES
from benchmarks.fleet.naming import DNS_SERVERS, FILE_SERVERS, MAIL_SERVERS
from benchmarks.fleet.recipe import Recipe
from benchmarks.fleet.serving import APPLICATIONS, PROXIES, WEB_SERVERS
from benchmarks.fleet.watching import MONITORS, REST

RECIPES: tuple[Recipe, ...] = (
    *DATABASES,
    *CACHES,
    *QUEUES,
    *OTHERS,
    *WEB_SERVERS,
    *APPLICATIONS,
    *PROXIES,
    *DNS_SERVERS,
    *MAIL_SERVERS,
    *FILE_SERVERS,
    *MONITORS,
    *REST,
)
