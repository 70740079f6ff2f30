"""Java: a jar, a main class, or the name that Spring was given."""

import re
from collections.abc import Sequence

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters.arguments import first_operand, option_value
from exporter.identity.names import GENERIC, clean, of_directory, of_file

PROGRAM = re.compile(r"java")
_WITH_VALUE_WORDS = """
-cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports --add-reads -m --module
"""
_WITH_VALUE = frozenset(_WITH_VALUE_WORDS.split())
_DECLARED = ("-Dotel.service.name", "-Dspring.application.name", "--spring.application.name", "-Ddd.service")
_KNOWN = (
    ("kafka.Kafka", "kafka"),
    ("org.apache.zookeeper.", "zookeeper"),
    ("org.elasticsearch.", "elasticsearch"),
    ("org.opensearch.", "opensearch"),
    ("org.apache.cassandra.", "cassandra"),
    ("org.apache.activemq.", "activemq"),
    ("org.apache.hadoop.hbase.", "hbase"),
    ("org.apache.solr.", "solr"),
    ("org.neo4j.", "neo4j"),
    ("org.logstash.", "logstash"),
    ("org.h2.", "h2"),
    ("org.hsqldb.", "hsqldb"),
    ("org.apache.derby.", "derby"),
    ("org.apache.pulsar.", "pulsar"),
    ("org.apache.flink.", "flink"),
    ("org.apache.spark.deploy.", "spark"),
    ("io.quarkus.", ""),
)


def name(facts: ProcessFacts) -> str:
    """Return the declared name, else the jar's or the main class's."""
    arguments = facts.arguments[1:]
    declared = clean(option_value(arguments, *_DECLARED))
    if declared:
        return declared
    jar = option_value(arguments, "-jar")
    if jar:
        return of_file(jar, facts.working_directory)
    module = option_value(arguments, "-m", "--module")
    at = first_operand(arguments, _WITH_VALUE)
    main = module.rpartition("/")[2] or (arguments[at] if at >= 0 else "")
    return _of_class(main, arguments)


def _of_class(main: str, arguments: Sequence[str]) -> str:
    """Return the product of a known class, else the simple name, else the package of a generic one."""
    for prefix, product in _KNOWN:
        if main.startswith(prefix) and product:
            return product
    if main.startswith("org.apache.catalina."):
        return of_directory(option_value(arguments, "-Dcatalina.base")) or "tomcat"
    package, _, simple = main.rpartition(".")
    if simple.lower() in GENERIC and package:
        return clean(package.rpartition(".")[2])
    return clean(simple)
