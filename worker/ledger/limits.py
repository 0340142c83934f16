"""Limits and lifetimes that the ledger's scripts keep: they stand nowhere else (see scripts.py).

Times are in ms, unless a name ends in SECONDS.
"""

#: Settlements that the stream of events remembers at least; older ones may be forgotten.
EVENTS_KEPT = 100_000

#: An hour's counts are kept for so long.
HOUR_KEPT_SECONDS = 2400 * 3600

#: A worker that does not renew its leases is forgotten after so long.
WORKER_KEPT = 86_400_000

#: Runs of each scheduled job that are remembered.
RUNS_KEPT = 1000

#: While a school is closed, one operation at a time is let through as a probe; it has so long.
PROBE_LASTS = 120_000

#: A kind of operation that alone was locked out stays refused for so long before it counts anew.
BARRED_FOR = 3_600_000

#: Pauses grow with each of these levels that "too fast" adds, and shrink by one level in so long.
LEVELS = 8
LEVEL_LASTS = 30_000

#: The least interval of a kind that is slowed down, before it is doubled with each level.
FIRST_INTERVAL = 50

#: Many replies of "too fast" within so long count as one.
SLOWED_ONCE_IN = 1000

#: What a kind that is not slowed down could have sent in so long may go at once.
BURST = 1000

#: A kind whose turn has not come is looked at again after so long at the latest.
LOOK_AGAIN = 10_000

#: A token may be taken so long in advance.
FARTHEST_TOKEN = 2000

#: The server's time is noted again after so long: by no more can the ledger's time go back.
CLOCK_NOTED_AFTER = 100

#: A step of the server's clock by so much is told to people.
CLOCK_STEP_TOLD = 1000

#: No time in a note is longer: what is more comes of an error.
LONGEST_SPAN = 10 * 365 * 86_400_000

#: Followers and lanes that one call of a script looks at, and of one settlement among many.
FOLLOWERS_AT_ONCE = 500
FOLLOWERS_OF_ONE = 100

#: Kinds of which one call looks whether their turn has come.
KINDS_AT_ONCE = 100

#: Schools that one call looks at, and parked records of each among which a probe is chosen.
SCHOOLS_AT_ONCE = 100
PROBES_LOOKED_AT = 100

#: Batches that nobody closed, and that one call closes.
BATCHES_AT_ONCE = 100

#: What is added to the sequence (microseconds) of high and low priority: more than any sequence,
#: and no sum loses a digit.
PRIORITY_OFFSET = 3_000_000_000_000_000

#: What is written as a trial is gone after so long, should it not be taken away.
TRIAL_KEPT = 1000

#: Values that a script hands to one command (Lua unpacks no more than 8000), and ids that it reads
#: together.
ARGUMENTS_AT_ONCE = 4000
IDS_AT_ONCE = 1000
LANE_AT_ONCE = 100
