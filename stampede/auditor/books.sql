-- What is judged, gathered once and all of one snapshot. A million orders are compared in one pass; one by
-- one are looked at only those on which ledger and tables do not say the very same.

-- The products that the run acted on, or tried to make.
CREATE TEMPORARY TABLE run_products AS
SELECT product_id, sku, stock, products.id IS NOT NULL AS there
FROM (
    SELECT product_id FROM attempts
    UNION SELECT product_id FROM acts WHERE product_id IS NOT NULL
    UNION SELECT id FROM products WHERE sku IN (SELECT upper(sku) FROM acts WHERE act = 'create')
) AS named
LEFT JOIN products ON products.id = product_id;
ANALYZE run_products;

-- What they had when the run began. `supplied` are units that came in other than from orders.
CREATE TEMPORARY TABLE opening AS
SELECT product_id, sum(delta)::bigint AS units,
       sum(delta) FILTER (WHERE kind IN ('created', 'adjusted', 'set', 'removed')) AS supplied
FROM stock_movements JOIN run_products USING (product_id), run
WHERE stock_movements.id < first_line
GROUP BY product_id;

-- The stock ledger of these products since then.
CREATE TEMPORARY VIEW lines AS
SELECT stock_movements.*
FROM stock_movements JOIN run_products USING (product_id), run
WHERE stock_movements.id >= first_line;

-- Lines that cannot be: `units` is what all lines up to this one add up to.
CREATE TEMPORARY TABLE broken_lines AS
SELECT * FROM (
    SELECT lines.id, product_id, order_id, kind, stock_after, at,
           coalesce(opening.units, 0) + sum(delta::double precision) OVER (
               PARTITION BY product_id ORDER BY lines.id ROWS UNBOUNDED PRECEDING
           )::bigint AS units -- as double precision: exact up to 2^53, and twice as fast
    FROM lines LEFT JOIN opening USING (product_id)
) AS added_up
WHERE stock_after <> units OR units < 0 OR stock_after < 0;

-- Each product's account: units by the ledger's sum, units supplied, units in live orders.
CREATE TEMPORARY TABLE accounts AS
SELECT product_id, sku, there, run_products.stock,
       coalesce(opening.units, 0) + coalesce(since.units, 0) AS units,
       coalesce(opening.supplied, 0) + coalesce(since.supplied, 0) AS supplied,
       coalesce(live, 0) AS live, coalesce(orders, 0) AS orders, coalesce(lines, 0) AS lines,
       least(opening.units, lowest) AS lowest, coalesce(restocked, FALSE) AS restocked, last_at
FROM run_products
LEFT JOIN opening USING (product_id)
LEFT JOIN (
    SELECT product_id, count(*) AS lines, sum(delta) AS units, min(stock_after) AS lowest, max(at) AS last_at,
           sum(delta) FILTER (WHERE kind IN ('created', 'adjusted', 'set', 'removed')) AS supplied,
           bool_or(kind NOT IN ('created', 'placed')) AS restocked
    FROM lines GROUP BY product_id
) AS since USING (product_id)
LEFT JOIN (
    SELECT product_id, sum(quantity) FILTER (WHERE status <> 'CANCELED') AS live,
           count(*) FILTER (WHERE created_at >= mark) AS orders
    FROM orders JOIN run_products USING (product_id), run GROUP BY product_id
) AS ordered USING (product_id)
WHERE there OR opening.units IS NOT NULL OR since.units IS NOT NULL;

-- Of each order four may speak: the client that was told of it, the key of the run that stands for it, its
-- row, and the stock ledger. Where each does so once, all name the same product and quantity, both keys are
-- the same (by their hash) and nothing happened to its units since, there is nothing to be asked.
CREATE TEMPORARY TABLE questions AS
SELECT id FROM (
    SELECT order_id AS id, 1 AS speaker, product_id, quantity, hashtextextended(key, 0) AS key
    FROM attempts WHERE order_id IS NOT NULL
    UNION ALL
    SELECT order_id, 10, product_id, quantity::bigint, hashtextextended(key, 0)
    FROM order_keys, run WHERE key ^@ (run.id || '/')
    UNION ALL
    SELECT orders.id, CASE status WHEN 'CANCELED' THEN 0 ELSE 100 END, product_id, quantity::bigint, NULL
    FROM orders JOIN run_products USING (product_id), run WHERE created_at >= mark
    UNION ALL
    SELECT order_id, 1000, product_id, -delta, NULL FROM lines WHERE order_id IS NOT NULL
) AS words
GROUP BY id
HAVING NOT (count(*) = 4 AND sum(speaker) = 1111 AND min(product_id) = max(product_id)
            AND min(quantity) = max(quantity) AND min(key) = max(key));
ANALYZE questions;

-- All that is said of the others: told_…, held_… (by a key), the row's own columns, the ledger's counts.
CREATE TEMPORARY TABLE suspects AS
SELECT questions.id, told.key, told.worker, told.bulk, told.answered,
       told.product_id AS told_product_id, told.quantity AS told_quantity,
       held.key AS held_key, held.product_id AS held_product_id, held.quantity AS held_quantity,
       held.created_at AS held_at, coalesce(held.key ^@ (run.id || '/'), FALSE) AS is_ours,
       orders.id IS NOT NULL AS there, orders.product_id, orders.quantity, orders.status, orders.created_at,
       coalesce(placed, 0) AS placed, coalesce(taken, 0) AS taken, coalesce(canceled, 0) AS canceled,
       coalesce(returned, 0) AS returned, coalesce(deleted, 0) AS deleted, coalesce(changed, 0) AS changed,
       coalesce(balance, 0) AS balance, moved.product_id AS moved_product_id, moved.first_at, moved.last_at
FROM questions
CROSS JOIN run
LEFT JOIN attempts AS told ON told.order_id = questions.id
LEFT JOIN order_keys AS held ON held.order_id = questions.id
LEFT JOIN orders ON orders.id = questions.id
LEFT JOIN (
    SELECT order_id, min(product_id) AS product_id, min(at) AS first_at, max(at) AS last_at,
           sum(delta) AS balance,
           count(*) FILTER (WHERE kind = 'placed') AS placed,
           -sum(delta) FILTER (WHERE kind IN ('placed', 'changed')) AS taken,
           count(*) FILTER (WHERE kind = 'canceled') AS canceled,
           sum(delta) FILTER (WHERE kind = 'canceled') AS returned,
           count(*) FILTER (WHERE kind = 'deleted') AS deleted,
           count(*) FILTER (WHERE kind = 'changed') AS changed
    FROM lines WHERE order_id IN (SELECT id FROM questions) GROUP BY order_id
) AS moved ON moved.order_id = questions.id;
ANALYZE suspects;

-- What was asked for and answered, by order and by the status it leads to. `maybes` may have been done.
CREATE TEMPORARY TABLE steps AS
SELECT order_id, step, oks, maybes, refusals, first_sent, orders.id IS NOT NULL AS there,
       CASE step WHEN 'PAID' THEN paid_at WHEN 'SHIPPED' THEN shipped_at WHEN 'CANCELED' THEN canceled_at END
           AS done_at
FROM (
    SELECT order_id, step, count(*) FILTER (WHERE outcome = 'ok') AS oks, min(sent) AS first_sent,
           count(*) FILTER (WHERE outcome <> 'refused') AS maybes,
           count(*) FILTER (WHERE outcome = 'refused') AS refusals
    FROM (
        SELECT order_id, outcome, sent,
               CASE act WHEN 'pay' THEN 'PAID' WHEN 'ship' THEN 'SHIPPED' WHEN 'cancel' THEN 'CANCELED'
                        WHEN 'delete' THEN 'DELETED' WHEN 'change_order' THEN "to" END AS step
        FROM acts
    ) AS acts
    WHERE order_id IS NOT NULL AND step IS NOT NULL
    GROUP BY order_id, step
) AS asked
LEFT JOIN orders ON orders.id = order_id;
ANALYZE steps;

-- How far each worker's clock is behind the database's: an order was made after it was sent, and its line
-- was written before the answer came. `best` is the middle, `error` how far off it can be at most; clocks
-- also drift. A sample does, and an order that was there before it was sent here is a repeated one.
CREATE TEMPORARY TABLE clocks AS
WITH sample AS (
    SELECT worker, held.created_at - to_timestamp(sent) AS most, line.at - to_timestamp(answered) AS least
    FROM attempts
    JOIN order_keys AS held ON held.order_id = attempts.order_id AND held.key = attempts.key
    JOIN stock_movements AS line ON line.order_id = attempts.order_id AND line.kind = 'placed', run
    WHERE line.id >= first_line
      AND attempts.order_id % (1 + (SELECT count(*) FROM attempts) / 20000) = 0
), bounds AS (
    SELECT worker, max(least) AS least FROM sample GROUP BY worker
)
SELECT worker, min(most) AS latest, (bounds.least + min(most)) / 2 AS best,
       (min(most) - bounds.least) / 2 + interval '20 ms' AS error
FROM sample JOIN bounds USING (worker)
WHERE most >= bounds.least
GROUP BY worker, bounds.least;

-- From when on something may have been done that no ledger knows of, because its worker was lost: after all
-- it reported. Null where none was lost.
CREATE TEMPORARY TABLE unreported AS
SELECT min(coalesce(to_timestamp(last) + coalesce(best, interval '0') - interval '1 s', mark)) AS since
FROM lost_workers
LEFT JOIN (
    SELECT worker, max(greatest(sent, answered)) AS last
    FROM (SELECT worker, sent, answered FROM attempts UNION ALL SELECT worker, sent, answered FROM acts) AS done
    GROUP BY worker
) AS reported USING (worker)
LEFT JOIN clocks USING (worker), run;

-- Each 409 to an order, in the database's time.
CREATE TEMPORARY TABLE refusals AS
SELECT key, worker, product_id, quantity, available, coalesce(error, interval '1 day') AS error,
       to_timestamp(sent) + coalesce(best, interval '0') AS sent_at,
       to_timestamp(answered) + coalesce(best, interval '0') AS answered_at
FROM attempts LEFT JOIN clocks USING (worker)
WHERE outcome = 'refused' AND status = 409;

-- When a product had less than was asked for, for each quantity that was refused. It begins with the line
-- that took the units, and ends when the line that brought some could be seen: that line was written before
-- its transaction ended, which was before its client had the answer. Where no client did it, 2 s are allowed.
CREATE TEMPORARY TABLE shortages AS
WITH demands AS (
    SELECT DISTINCT product_id, quantity FROM refusals
), answers AS (
    SELECT CASE act WHEN 'delete' THEN 'deleted' WHEN 'adjust' THEN 'adjusted' ELSE 'canceled' END AS kind,
           CASE act WHEN 'adjust' THEN key ELSE order_id::text END AS cause,
           min(to_timestamp(answered) + latest) AS at
    FROM acts JOIN clocks USING (worker)
    WHERE outcome = 'ok' AND (act IN ('cancel', 'delete', 'adjust') OR "to" = 'CANCELED')
    GROUP BY 1, 2
), turns AS (
    SELECT product_id, quantity, 0 AS id, '-infinity'::timestamptz AS at, NULL::timestamptz AS seen_at,
           TRUE AS is_short
    FROM demands JOIN opening USING (product_id)
    WHERE units < quantity
    UNION ALL
    SELECT product_id, quantity, id, turn.at,
           greatest(turn.at, coalesce(answers.at, turn.at + interval '2 s')), stock_after < quantity
    FROM (
        SELECT lines.*, demands.quantity,
               CASE kind WHEN 'adjusted' THEN reason ELSE order_id::text END AS cause
        FROM lines JOIN demands USING (product_id)
        WHERE (stock_after < quantity) <> (stock_after - delta < quantity)
           OR (kind = 'created' AND stock_after < quantity)
    ) AS turn
    LEFT JOIN answers USING (kind, cause)
), spells AS (
    SELECT *, lead(seen_at, 1, 'infinity') OVER (PARTITION BY product_id, quantity ORDER BY id) AS until
    FROM turns
)
SELECT product_id, quantity, at AS since,
       max(until) OVER (PARTITION BY product_id, quantity ORDER BY id) AS until
FROM spells WHERE is_short;
CREATE INDEX ON shortages (product_id, quantity, since);
ANALYZE shortages;
