/**
 * How soon a cluster notices what happens to it. All processes of a cluster must have the same: a front end that expected
 * runners to be slower would send to a dead one for longer.
 */
import { Duration } from "effect"
import type { ShardingConfig } from "effect/cluster"

/**
 * A runner or front end that did not say for so long that it is there, is not. Another runner then has its swarms before the
 * eight seconds are over that clients keep their leases without an answer. A runner that is only slow loses nothing that its
 * members' next messages do not bring back.
 */
export const silence = Duration.seconds(5)

/** Between two signs of life: two may be lost or late. */
export const sign = Duration.millis(1500)

/** Between two looks at who is there. */
export const look = Duration.millis(750)

/**
 * What `effect/cluster` is told. Locks are rows, not locks of sessions: rows outlive a restart of the database, and so the
 * runners still have what they had. A runner that comes waits two seconds, so that several that start together move the
 * swarms once.
 */
export const sharding = {
  shardLockRefreshInterval: sign,
  shardLockExpiration: silence,
  shardLockDisableAdvisory: true,
  refreshAssignmentsInterval: look,
  runnerJoinDebounce: Duration.seconds(2),
  runnerHealthCheckInterval: Duration.seconds(5),
  entityMessagePollInterval: Duration.seconds(1),
  entityTerminationTimeout: Duration.seconds(1),
  sendRetryInterval: Duration.millis(100),
  simulateRemoteSerialization: false
} satisfies Partial<ShardingConfig.ShardingConfig["Service"]>
