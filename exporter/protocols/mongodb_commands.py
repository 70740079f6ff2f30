"""The names of MongoDB's commands, of all server versions, and the collections that they are about."""

from functools import lru_cache

from exporter.model import UNKNOWN_OPERATION, Operation
from exporter.protocols import bson
from exporter.protocols.names import schema_name

# Commands whose first value is a collection's name.
ON_COLLECTIONS = (
    "abortReshardCollection aggregate analyze analyzeShardKey bulkWrite cleanupOrphaned cloneCollectionAsCapped "
    "collMod collStats compact compactStructuredEncryptionData configureQueryAnalyzer convertToCapped count create "
    "createIndexes createSearchIndexes delete deleteIndexes distinct drop dropIndexes dropSearchIndex explain find "
    "findAndModify findandmodify geoNear geoSearch getShardVersion group insert killCursors listIndexes "
    "listSearchIndexes mapReduce mapreduce moveChunk parallelCollectionScan planCacheClear planCacheClearFilters "
    "planCacheListFilters planCacheSetFilter reIndex setIndexCommitQuorum storageDetails update updateSearchIndex "
    "validate"
)
OTHERS = (
    "abortTransaction addShard addShardToZone appendOplogNote applyOps authenticate authSchemaUpgrade "
    "availableQueryOptions balancerCollectionStatus balancerStart balancerStatus balancerStop buildInfo buildinfo "
    "checkShardingIndex clone cloneCollection closeAllDatabases commitReshardCollection commitTransaction "
    "configureFailPoint connPoolStats connPoolSync connectionStatus convertRandomlyGenerated copydb copydbgetnonce "
    "coordinateCommitTransaction cpuload createRole createUser currentOp cursorInfo dataSize datasize dbHash dbStats "
    "dbhash dbstats delegate diagLogging driverOIDTest dropAllRolesFromDatabase dropAllUsersFromDatabase "
    "dropConnections dropDatabase dropRole dropUser enableSharding endSessions eval exportCollection features filemd5 "
    "flushRouterConfig forceerror fsync fsyncUnlock getAuditConfig getClusterParameter getCmdLineOpts "
    "getDefaultRWConcern getDiagnosticData getLastError getLog getMore getParameter getPrevError getShardMap "
    "getShardingState getlasterror getnonce getoptime getpreverror godinsert grantPrivilegesToRole grantRolesToRole "
    "grantRolesToUser hello hostInfo httpClientRequest invalidateUserCache isMaster isMasterOrSecondary isSelf "
    "isdbgrid isself ismaster journalLatencyTest killAllSessions killAllSessionsByPattern killOp killSessions "
    "listCollections listCommands listDatabases listShards lockInfo logApplicationMessage logRotate logout "
    "makeSnapshot medianKey mergeAllChunksOnShard mergeChunks modifyReshardCollection movePrimary moveCollection "
    "netstat oidReset ping prepareTransaction profile refineCollectionShardKey refreshSessions removeShard "
    "removeShardFromZone renameCollection repairCursor repairDatabase replSetAbortPrimaryCatchUp replSetElect "
    "replSetFreeze replSetFresh replSetGetConfig replSetGetRBID replSetGetStatus replSetHeartbeat replSetInitiate "
    "replSetMaintenance replSetReconfig replSetRequestVotes replSetResizeOplog replSetStepDown replSetStepUp "
    "replSetSyncFrom replSetUpdatePosition reshardCollection resetError resync revokePrivilegesFromRole "
    "revokeRolesFromRole revokeRolesFromUser rolesInfo rotateCertificates saslContinue saslStart serverStatus "
    "setAuditConfig setClusterParameter setDefaultRWConcern setFeatureCompatibilityVersion setFreeMonitoring "
    "setParameter setProfilingFilterGlobally setShardVersion setUserWriteBlockMode shardCollection shardConnPoolStats "
    "shardingState shutdown sleep split splitChunk splitVector startRecordingTraffic startSession "
    "stopRecordingTraffic streams top touch transitionFromDedicatedConfigServer transitionToDedicatedConfigServer "
    "unsetSharding unshardCollection updateRole updateUser updateZoneKeyRange usersInfo validateDBMetadata "
    "voteCommitIndexBuild waitForFailPoint whatsmysni whatsmyuri writebacklisten writeBacksQueued"
)
COLLECTION_COMMANDS = frozenset(ON_COLLECTIONS.encode().split())
COMMANDS = COLLECTION_COMMANDS | frozenset(OTHERS.encode().split())
GET_MORE = b"getMore"
COLLECTION = b"collection"  # what names it in a `getMore`
LONGEST_COMMAND = 40
"""No command of any server so far is as long."""
CACHED = 2048
OTHER = Operation("OTHER")


@lru_cache(CACHED)
def operation_of(name: bytes, collection: bytes = b"") -> Operation:
    """Return the operation of a command; `OTHER` for what no server knows, with the word itself for a report."""
    if name in COMMANDS:
        return Operation(name.decode("ascii"), schema_name(collection) if collection else "")
    if len(name) <= LONGEST_COMMAND and name.isalpha() and name.isascii():
        return Operation("OTHER", said=name.decode("ascii"))
    return OTHER


def command_of(document: bytes, name: bytes, value: bytes) -> Operation:
    """Return the operation of a command's document by its first element's name and what follows that."""
    kind = document[4]
    if name in COLLECTION_COMMANDS and kind == bson.STRING:
        return operation_of(name, _text(value))
    if name == GET_MORE and kind == bson.INT64 and value[8:].startswith(b"\x02" + COLLECTION + b"\0"):
        return operation_of(name, _text(value[10 + len(COLLECTION) :]))
    return operation_of(name)


def collection_of(namespace: bytes) -> bytes:
    """Return the collection of `database.collection`."""
    return namespace.partition(b".")[2]


def with_collection(operation: Operation, namespace: bytes) -> Operation:
    """Return an operation of the old protocol with the collection of its namespace."""
    return operation_of(operation.name.encode(), collection_of(namespace)) if operation.name else UNKNOWN_OPERATION


def _text(value: bytes) -> bytes:
    """Return a string's text; empty if it was not captured whole."""
    size = bson.little(value, 0) - 1
    return value[4 : 4 + size] if 0 < size < len(value) - 4 else b""
