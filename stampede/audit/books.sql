-- What is judged, gathered once and all of one snapshot. Whole tables are compared, each in one pass; one by
-- one are looked at only the orders on which they do not agree.

-- What the tables got since the run began, by whomever: orders, and lines of the stock ledger; and what was
-- ordered under the run's keys.
CREATE TEMPORARY VIEW new_orders AS SELECT * FROM orders WHERE created_at >= (SELECT mark FROM run);
CREATE TEMPORARY VIEW lines AS SELECT * FROM stock_movements WHERE at >= (SELECT mark FROM run);
CREATE TEMPORARY VIEW held AS SELECT * FROM order_keys WHERE key ^@ (SELECT id || '/' FROM run);

-- The products that the run acted on, or tried to make.
CREATE TEMPORARY TABLE run_products AS
SELECT product_id FROM told
UNION SELECT product_id FROM untold
UNION SELECT product_id FROM acts WHERE product_id IS NOT NULL
UNION SELECT id FROM products WHERE sku IN (SELECT upper(sku) FROM acts WHERE act = 'create');
ANALYZE run_products;

-- Each one's account, over its whole history: `units` is the sum of all lines, `opening` of those before the
-- run; `supplied` are units that came in other than from orders, `live` are those of live orders. Ids that no
-- product ever had are left out.
--
-- `is_disputed`: its lines do not say of its orders what their rows say. Of a live order the lines add up to
-- its quantity, of all others to nothing; each is weighed with a hash of its id, so that no two errors cancel
-- out. (A shipped order that was deleted has kept its units: a dispute that the closer look settles.)
CREATE TEMPORARY TABLE accounts AS
SELECT product_id, products.id IS NOT NULL AS there, sku, stock, coalesce(units, 0) AS units,
       opening IS NULL AS is_new, coalesce(opening, 0) AS opening, coalesce(supplied, 0) AS supplied,
       coalesce(live, 0) AS live, coalesce(new_orders, 0) AS new_orders,
       coalesce(taken, 0) <> coalesce(live, 0) OR coalesce(weighed_taken, 0) <> coalesce(weighed_live, 0)
       OR coalesce(placed, 0) <> coalesce(orders, 0) AS is_disputed
FROM run_products
LEFT JOIN products ON products.id = product_id
LEFT JOIN (
    SELECT product_id, sum(delta) AS units, sum(delta) FILTER (WHERE order_id IS NULL) AS supplied,
           sum(delta) FILTER (WHERE at < (SELECT mark FROM run))::bigint AS opening,
           -sum(delta) FILTER (WHERE order_id IS NOT NULL) AS taken,
           -sum(delta * hashint8(order_id)) AS weighed_taken,
           count(*) FILTER (WHERE kind = 'placed') - count(*) FILTER (WHERE kind = 'deleted') AS placed
    FROM stock_movements GROUP BY product_id
) AS history USING (product_id)
LEFT JOIN (
    SELECT product_id, sum(quantity) FILTER (WHERE status <> 'CANCELED') AS live, count(*) AS orders,
           sum(quantity::bigint * hashint8(id)) FILTER (WHERE status <> 'CANCELED') AS weighed_live,
           count(*) FILTER (WHERE created_at >= (SELECT mark FROM run)) AS new_orders
    FROM orders GROUP BY product_id
) AS ordered USING (product_id)
WHERE products.id IS NOT NULL OR units IS NOT NULL;
ANALYZE accounts;

-- Lines that cannot be: `units` is what all lines up to this one add up to. They are summed in double
-- precision: exact up to 2^53, and much faster than in numeric, which the sum of bigints is.
CREATE TEMPORARY TABLE broken_lines AS
SELECT id, product_id, line.stock_after, opening + added AS units
FROM (
    SELECT id, product_id, stock_after, sum(delta::double precision) OVER (
        PARTITION BY product_id ORDER BY id ROWS UNBOUNDED PRECEDING
    )::bigint AS added
    FROM lines
) AS line
JOIN accounts USING (product_id)
WHERE line.stock_after <> opening + added OR opening + added < 0 OR line.stock_after < 0;

-- Orders that raise a question. All others were told as their key holds them and as they are there, and
-- stand in no disputed account.
CREATE TEMPORARY TABLE questions AS
SELECT order_id AS id FROM told FULL JOIN held USING (order_id)
WHERE told.key IS DISTINCT FROM held.key
   OR told.product_id <> held.product_id OR told.quantity <> held.quantity
UNION
SELECT coalesce(order_id, id) FROM told FULL JOIN new_orders ON order_id = id
WHERE id IS NULL OR told.product_id <> new_orders.product_id OR told.quantity <> new_orders.quantity
   OR (order_id IS NULL AND new_orders.product_id IN (SELECT product_id FROM run_products))
UNION
SELECT id FROM new_orders JOIN accounts USING (product_id) WHERE is_disputed
UNION
SELECT order_id FROM lines JOIN accounts USING (product_id) WHERE is_disputed;
ANALYZE questions;

-- All that is said of them: by clients (told_…), by keys (held_…), by their rows, by the stock ledger.
CREATE TEMPORARY TABLE suspects AS
SELECT questions.id, told.key, told.worker, told.bulk, told.answered,
       told.product_id AS told_product_id, told.quantity AS told_quantity,
       order_keys.key AS held_key, order_keys.product_id AS held_product_id,
       order_keys.quantity AS held_quantity, order_keys.created_at AS held_at,
       coalesce(order_keys.key ^@ (SELECT id || '/' FROM run), FALSE) AS is_ours,
       orders.id IS NOT NULL AS there, orders.product_id, orders.quantity, orders.status, orders.created_at,
       coalesce(placed, 0) AS placed, coalesce(taken, 0) AS taken, coalesce(canceled, 0) AS canceled,
       coalesce(returned, 0) AS returned, coalesce(deleted, 0) AS deleted, coalesce(changed, 0) AS changed,
       coalesce(balance, 0) AS balance, moved_product_id, first_at, last_at
FROM questions
LEFT JOIN told ON told.order_id = questions.id
LEFT JOIN order_keys ON order_keys.order_id = questions.id
LEFT JOIN orders ON orders.id = questions.id
LEFT JOIN (
    SELECT order_id, min(product_id) AS moved_product_id, min(at) AS first_at, max(at) AS last_at,
           sum(delta) AS balance,
           count(*) FILTER (WHERE kind = 'placed') AS placed,
           -sum(delta) FILTER (WHERE kind IN ('placed', 'changed')) AS taken,
           count(*) FILTER (WHERE kind = 'canceled') AS canceled,
           sum(delta) FILTER (WHERE kind = 'canceled') AS returned,
           count(*) FILTER (WHERE kind = 'deleted') AS deleted,
           count(*) FILTER (WHERE kind = 'changed') AS changed
    FROM lines WHERE order_id IN (SELECT id FROM questions) GROUP BY order_id
) AS moved ON moved.order_id = questions.id
WHERE questions.id IS NOT NULL;
ANALYZE suspects;

-- What was asked for and answered, by order and by the status it leads to. `maybes` may have been done.
CREATE TEMPORARY TABLE steps AS
SELECT order_id, step, oks, maybes, refusals, first_sent, orders.id IS NOT NULL AS there,
       CASE step WHEN 'PAID' THEN paid_at WHEN 'SHIPPED' THEN shipped_at WHEN 'CANCELED' THEN canceled_at END
           AS done_at
FROM (
    SELECT order_id, step, min(sent) AS first_sent,
           count(*) FILTER (WHERE outcome = 'ok') AS oks,
           count(*) FILTER (WHERE outcome <> 'refused') AS maybes,
           count(*) FILTER (WHERE outcome = 'refused') AS refusals
    FROM (
        SELECT order_id, outcome, sent,
               CASE act WHEN 'pay' THEN 'PAID' WHEN 'ship' THEN 'SHIPPED' WHEN 'cancel' THEN 'CANCELED'
                        WHEN 'delete' THEN 'DELETED' WHEN 'change_order' THEN "to" END AS step
        FROM acts
    ) AS acts
    WHERE step IS NOT NULL
    GROUP BY order_id, step
) AS asked
LEFT JOIN orders ON orders.id = order_id;
ANALYZE steps;

-- How far each worker's clock is behind the database's: an order was made after it was sent, and its line
-- was written before the answer came. `best` is the middle between these bounds, `error` how far off it may
-- be: as far as the bounds, which change places if a clock was set in the run, and a little that clocks drift.
-- Some thousand orders do. One that was there before it was sent may be a repetition, which says nothing.
CREATE TEMPORARY TABLE clocks AS
WITH sample AS (
    SELECT worker, key, sent, created_at - to_timestamp(sent) AS most,
           max(at - to_timestamp(answered)) OVER (PARTITION BY worker) AS least
    FROM (SELECT * FROM told WHERE order_id % (1 + (SELECT count(*) FROM told) / 5000) = 0) AS some_told
    JOIN order_keys USING (key, order_id)
    JOIN lines USING (order_id)
    WHERE kind = 'placed'
)
SELECT worker, greatest(least, min(most)) AS most, (least + min(most)) / 2 AS best,
       greatest(min(most) - least, least - min(most)) / 2 + interval '20 ms' AS error
FROM sample
WHERE most >= least
   OR NOT EXISTS (SELECT FROM told AS first WHERE first.key = sample.key AND first.sent < sample.sent)
  AND NOT EXISTS (SELECT FROM untold AS first WHERE first.key = sample.key AND first.sent < sample.sent)
GROUP BY worker, least;

-- From when on something may have been done that no ledger knows of, because its worker was lost: after all
-- that it reported. Null where none was lost.
CREATE TEMPORARY TABLE unreported AS
SELECT min(coalesce(to_timestamp(last) + coalesce(best, interval '0') - interval '1 s',
                    (SELECT mark FROM run))) AS since
FROM lost_workers
LEFT JOIN (
    SELECT worker, max(greatest(sent, answered)) AS last
    FROM (
        SELECT worker, sent, answered FROM told
        UNION ALL SELECT worker, sent, answered FROM untold
        UNION ALL SELECT worker, sent, answered FROM acts
    ) AS entries
    WHERE worker IN (SELECT worker FROM lost_workers)
    GROUP BY worker
) AS reported USING (worker)
LEFT JOIN clocks USING (worker);

-- Each 409 to an order, in the database's time.
CREATE TEMPORARY TABLE refusals AS
SELECT key, worker, product_id, quantity, available, coalesce(error, interval '1 day') AS error,
       to_timestamp(sent) + coalesce(best, interval '0') AS sent_at,
       to_timestamp(answered) + coalesce(best, interval '0') AS answered_at
FROM untold LEFT JOIN clocks USING (worker)
WHERE outcome = 'refused' AND status = 409;

-- When a product had less than was asked for, for each quantity that was refused. It begins with the line
-- that took the units, and ends when the line that brought some could be seen: that line was written before
-- its transaction ended, which was before its client had the answer. Where no client was told
-- that it is done, 10 s are allowed: the API gives a statement 9.5 s, its commit included. What is new has what
-- it was made with as soon as it is there.
CREATE TEMPORARY TABLE shortages AS
WITH demands AS (
    SELECT DISTINCT product_id, quantity FROM refusals
), answers AS (
    SELECT CASE act WHEN 'delete' THEN 'deleted' WHEN 'adjust' THEN 'adjusted' ELSE 'canceled' END AS kind,
           CASE act WHEN 'adjust' THEN key ELSE order_id::text END AS cause,
           min(to_timestamp(answered) + most) AS at
    FROM acts JOIN clocks USING (worker)
    WHERE outcome = 'ok' AND (act IN ('cancel', 'delete', 'adjust') OR "to" = 'CANCELED')
    GROUP BY 1, 2
), turns AS (
    SELECT product_id, quantity, 0 AS id, timestamptz '-infinity' AS at, timestamptz '-infinity' AS seen_at,
           TRUE AS is_short
    FROM demands JOIN accounts USING (product_id)
    WHERE opening < quantity AND NOT is_new
    UNION ALL
    SELECT product_id, quantity, id, turn.at,
           greatest(turn.at, coalesce(answers.at, turn.at + interval '10 s')), stock_after < quantity
    FROM (
        SELECT lines.*, demands.quantity,
               CASE kind WHEN 'adjusted' THEN reason ELSE order_id::text END AS cause
        FROM lines JOIN demands USING (product_id)
        WHERE (stock_after < quantity) <> (kind <> 'created' AND stock_after - delta < quantity)
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
