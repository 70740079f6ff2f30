"""Kafka's requests by number (https://kafka.apache.org/protocol#protocol_api_keys)."""

from dataclasses import dataclass

from exporter.model import Operation

NEVER = 1 << 15
# Brokers of the future know later versions than these; so many more are believed.
GROWTH = 6


@dataclass(frozen=True, slots=True)
class Api:
    """One kind of request.

    Attributes:
        operation: its name.
        latest: the latest version known.
        flexible: the first version whose headers hold tagged fields; `NEVER` if none does.
        error_at: where the error code is in the body of an answer, behind its header, as (first version, offset)
            pairs with the latest first; empty where errors are told for each partition or group only.
    """

    operation: Operation
    latest: int
    flexible: int
    error_at: tuple[tuple[int, int], ...] = ()


def _api(name: str, latest: int, flexible: int = NEVER, *error_at: tuple[int, int]) -> Api:
    return Api(Operation(name), latest, flexible, error_at)


PRODUCE, FETCH, METADATA, SASL_HANDSHAKE, API_VERSIONS = 0, 1, 3, 17, 18

# An answer begins with the time it was throttled for, four bytes, or with its error code.
APIS: dict[int, Api] = {
    PRODUCE: _api("Produce", 13, 9),
    FETCH: _api("Fetch", 18, 12, (7, 4)),
    2: _api("ListOffsets", 11, 6),
    METADATA: _api("Metadata", 13, 9),
    4: _api("LeaderAndIsr", 7, 4, (0, 0)),
    5: _api("StopReplica", 4, 2, (0, 0)),
    6: _api("UpdateMetadata", 8, 6, (0, 0)),
    7: _api("ControlledShutdown", 3, 3, (0, 0)),
    8: _api("OffsetCommit", 10, 8),
    9: _api("OffsetFetch", 10, 6),
    10: _api("FindCoordinator", 6, 3, (4, NEVER), (1, 4), (0, 0)),
    11: _api("JoinGroup", 9, 6, (2, 4), (0, 0)),
    12: _api("Heartbeat", 4, 4, (1, 4), (0, 0)),
    13: _api("LeaveGroup", 5, 4, (1, 4), (0, 0)),
    14: _api("SyncGroup", 5, 4, (1, 4), (0, 0)),
    15: _api("DescribeGroups", 6, 5),
    16: _api("ListGroups", 5, 3, (1, 4), (0, 0)),
    SASL_HANDSHAKE: _api("SaslHandshake", 1, NEVER, (0, 0)),
    API_VERSIONS: _api("ApiVersions", 4, 3, (0, 0)),
    19: _api("CreateTopics", 7, 5),
    20: _api("DeleteTopics", 6, 4),
    21: _api("DeleteRecords", 2, 2),
    22: _api("InitProducerId", 6, 2, (0, 4)),
    23: _api("OffsetForLeaderEpoch", 4, 4),
    24: _api("AddPartitionsToTxn", 5, 3),
    25: _api("AddOffsetsToTxn", 4, 3, (0, 4)),
    26: _api("EndTxn", 5, 3, (0, 4)),
    27: _api("WriteTxnMarkers", 1, 1),
    28: _api("TxnOffsetCommit", 5, 3),
    29: _api("DescribeAcls", 3, 2, (0, 4)),
    30: _api("CreateAcls", 3, 2),
    31: _api("DeleteAcls", 3, 2),
    32: _api("DescribeConfigs", 4, 4),
    33: _api("AlterConfigs", 2, 2),
    34: _api("AlterReplicaLogDirs", 2, 2),
    35: _api("DescribeLogDirs", 4, 2),
    36: _api("SaslAuthenticate", 2, 2, (0, 0)),
    37: _api("CreatePartitions", 3, 2),
    38: _api("CreateDelegationToken", 3, 2, (0, 0)),
    39: _api("RenewDelegationToken", 2, 2, (0, 0)),
    40: _api("ExpireDelegationToken", 2, 2, (0, 0)),
    41: _api("DescribeDelegationToken", 3, 2, (0, 0)),
    42: _api("DeleteGroups", 2, 2),
    43: _api("ElectLeaders", 2, 2, (1, 4)),
    44: _api("IncrementalAlterConfigs", 1, 1),
    45: _api("AlterPartitionReassignments", 1, 0, (0, 4)),
    46: _api("ListPartitionReassignments", 0, 0, (0, 4)),
    47: _api("OffsetDelete", 0, NEVER, (0, 0)),
    48: _api("DescribeClientQuotas", 1, 1, (0, 4)),
    49: _api("AlterClientQuotas", 1, 1),
    50: _api("DescribeUserScramCredentials", 0, 0, (0, 4)),
    51: _api("AlterUserScramCredentials", 0, 0),
    52: _api("Vote", 2, 0, (0, 0)),
    53: _api("BeginQuorumEpoch", 1, 1, (0, 0)),
    54: _api("EndQuorumEpoch", 1, 1, (0, 0)),
    55: _api("DescribeQuorum", 2, 0, (0, 0)),
    56: _api("AlterPartition", 3, 0, (0, 4)),
    57: _api("UpdateFeatures", 2, 0, (0, 4)),
    58: _api("Envelope", 0, 0),
    59: _api("FetchSnapshot", 1, 0, (0, 4)),
    60: _api("DescribeCluster", 2, 0, (0, 4)),
    61: _api("DescribeProducers", 0, 0),
    62: _api("BrokerRegistration", 4, 0, (0, 4)),
    63: _api("BrokerHeartbeat", 1, 0, (0, 4)),
    64: _api("UnregisterBroker", 0, 0, (0, 4)),
    65: _api("DescribeTransactions", 0, 0),
    66: _api("ListTransactions", 2, 0, (0, 4)),
    67: _api("AllocateProducerIds", 0, 0, (0, 4)),
    68: _api("ConsumerGroupHeartbeat", 1, 0, (0, 4)),
    69: _api("ConsumerGroupDescribe", 1, 0),
    70: _api("ControllerRegistration", 0, 0, (0, 4)),
    71: _api("GetTelemetrySubscriptions", 0, 0, (0, 4)),
    72: _api("PushTelemetry", 0, 0, (0, 4)),
    73: _api("AssignReplicasToDirs", 0, 0, (0, 4)),
    74: _api("ListConfigResources", 1, 0, (0, 4)),
    75: _api("DescribeTopicPartitions", 0, 0),
    76: _api("ShareGroupHeartbeat", 1, 0, (0, 4)),
    77: _api("ShareGroupDescribe", 1, 0),
    78: _api("ShareFetch", 1, 0, (0, 4)),
    79: _api("ShareAcknowledge", 1, 0, (0, 4)),
    80: _api("AddRaftVoter", 1, 0, (0, 4)),
    81: _api("RemoveRaftVoter", 0, 0, (0, 4)),
    82: _api("UpdateRaftVoter", 0, 0, (0, 4)),
    83: _api("InitializeShareGroupState", 0, 0),
    84: _api("ReadShareGroupState", 0, 0),
    85: _api("WriteShareGroupState", 0, 0),
    86: _api("DeleteShareGroupState", 0, 0),
    87: _api("ReadShareGroupStateSummary", 0, 0),
    88: _api("StreamsGroupHeartbeat", 0, 0, (0, 4)),
    89: _api("StreamsGroupDescribe", 0, 0),
    90: _api("DescribeShareGroupOffsets", 0, 0),
    91: _api("AlterShareGroupOffsets", 0, 0, (0, 4)),
    92: _api("DeleteShareGroupOffsets", 0, 0, (0, 4)),
}


def error_offset(api: Api, version: int) -> int:
    """Return where the error code is in the body of an answer; -1 if there is none for all of it."""
    for since, offset in api.error_at:
        if version >= since:
            return offset if offset != NEVER else -1
    return -1
