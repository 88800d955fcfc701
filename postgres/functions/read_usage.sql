-- What PostgreSQL uses itself, for the auditor's samples. It runs with the owner's right to read files of the
-- server, and which these are stands here. CPU is that of all its processes, also of those that have ended,
-- which the first of them adds up. Memory is the container's where that is limited, else what each process has
-- for itself and what they share. Not on Linux: nulls.
CREATE FUNCTION read_usage(
    OUT cpu_seconds double precision,
    OUT memory_bytes bigint,
    OUT memory_limit_bytes bigint,
    OUT cpu_limit_cores double precision,
    OUT throttled_seconds double precision
)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH first AS (
        SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1) AS pid
    ),
    -- A process that ends has no session any more before its time is added up: its parent still has it then.
    -- Not every kernel tells that.
    processes AS (
        SELECT pid, true AS is_first FROM first
        UNION ALL
        SELECT child, false
        FROM first, string_to_table(trim(coalesce(
            pg_read_file('/proc/' || pid || '/task/' || pid || '/children', true),
            (SELECT string_agg(pid::text, ' ') FROM pg_stat_activity)
        )), ' ') AS child
    ),
    -- In /proc/<pid>/stat, behind the name: 12 to 15 are user and system time, its own and its ended
    -- children's, in hundredths of a second.
    cpu AS (
        SELECT sum(stat[12]::bigint + stat[13]::bigint) AS alive,
               sum(stat[14]::bigint + stat[15]::bigint) FILTER (WHERE is_first) AS ended
        FROM processes,
             string_to_array(substring(pg_read_file('/proc/' || pid || '/stat', true) FROM '\) (.*)'), ' ') AS stat
    ),
    memory AS (
        SELECT sum(substring(status FROM 'RssAnon:\s+(\d+)')::bigint) AS own,
               max(substring(status FROM 'RssShmem:\s+(\d+)')::bigint) AS shared
        FROM processes, pg_read_file('/proc/' || pid || '/status', true) AS status
    ),
    -- A container's group is found here, of version 2 or 1. Where there is no limit, version 2 says max and
    -- version 1 says -1, or how far it can count.
    cgroup AS (
        SELECT
            nullif(least(substring(coalesce(
                pg_read_file('/sys/fs/cgroup/memory.max', true),
                pg_read_file('/sys/fs/cgroup/memory/memory.limit_in_bytes', true)
            ) FROM '^\d+')::bigint, 1::bigint << 60), 1::bigint << 60) AS memory_limit,
            coalesce(
                pg_read_file('/sys/fs/cgroup/memory.current', true),
                pg_read_file('/sys/fs/cgroup/memory/memory.usage_in_bytes', true)
            )::bigint - coalesce(
                substring(pg_read_file('/sys/fs/cgroup/memory.stat', true) FROM '\minactive_file (\d+)'),
                substring(pg_read_file('/sys/fs/cgroup/memory/memory.stat', true) FROM 'total_inactive_file (\d+)')
            )::bigint AS memory,
            regexp_match(coalesce(
                pg_read_file('/sys/fs/cgroup/cpu.max', true),
                pg_read_file('/sys/fs/cgroup/cpu/cpu.cfs_quota_us', true)
                || pg_read_file('/sys/fs/cgroup/cpu/cpu.cfs_period_us', true)
            ), '^(\d+)\s(\d+)') AS cpu_limit,
            coalesce(
                substring(pg_read_file('/sys/fs/cgroup/cpu.stat', true) FROM 'throttled_usec (\d+)')::float8 / 1e6,
                substring(pg_read_file('/sys/fs/cgroup/cpu/cpu.stat', true) FROM 'throttled_time (\d+)')::float8 / 1e9
            ) AS throttled
    )
    SELECT
        (cpu.alive + cpu.ended) / 100.0,
        CASE WHEN memory_limit IS NULL THEN (SELECT (own + shared) * 1024 FROM memory) ELSE cgroup.memory END,
        memory_limit,
        cpu_limit[1]::float8 / cpu_limit[2]::float8,
        throttled
    FROM cpu, cgroup
$$;
