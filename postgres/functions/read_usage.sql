-- The CPU time and memory that PostgreSQL uses, for the auditor's samples. The function runs with the owner's
-- right to read files of the server; the files are fixed here. CPU time is of all processes, including ended
-- ones, whose time the first process keeps. Memory is the container's if it has a limit, else the sum of each
-- process's private memory and the shared memory. All values are null on other systems than Linux.
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
    -- The children file also lists a process that is ending: it has no session any more, but its time is not
    -- yet added to the first process. Some kernels do not have this file.
    processes AS (
        SELECT pid, true AS is_first FROM first
        UNION ALL
        SELECT child, false
        FROM first, string_to_table(trim(coalesce(
            pg_read_file('/proc/' || pid || '/task/' || pid || '/children', true),
            (SELECT string_agg(pid::text, ' ') FROM pg_stat_activity)
        )), ' ') AS child
    ),
    -- In /proc/<pid>/stat, after the name: 12 and 13 are the process's user and system time, 14 and 15 those of
    -- its ended children, in hundredths of a second.
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
    -- The container's cgroup, of version 2 or 1. Without a limit, version 2 has "max"; version 1 has -1 or a very
    -- large number.
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
