-- Gathers the data that the checks judge, once and from one snapshot. Whole tables are compared, each in one
-- pass. Only orders on which the tables disagree are examined one by one.

-- The orders and the lines of the stock ledger since the run began, made by any client; and the keys of the
-- run with their orders.
CREATE TEMPORARY VIEW new_orders AS SELECT * FROM orders WHERE created_at >= (SELECT mark FROM run);
CREATE TEMPORARY VIEW lines AS SELECT * FROM stock_movements WHERE at >= (SELECT mark FROM run);
CREATE TEMPORARY VIEW held AS SELECT * FROM order_keys WHERE key ^@ (SELECT id || '/' FROM run);

-- The products that the run acted on or tried to create.
CREATE TEMPORARY TABLE run_products AS
SELECT product_id FROM told
UNION SELECT product_id FROM untold
UNION SELECT product_id FROM acts WHERE product_id IS NOT NULL
UNION SELECT id FROM products WHERE sku IN (SELECT upper(sku) FROM acts WHERE act = 'create');
ANALYZE run_products;

-- The account of each of these products, over its whole history. `units` is the sum of all its lines, `opening`
-- the sum of the lines before the run. `supplied` is the sum of the lines that belong to no order, `live` the
-- sum of the quantities of live orders (all but CANCELED). Ids that no product ever had are omitted.
--
-- `is_disputed`: the lines and the rows of the product's orders do not agree. The lines of a live order add up
-- to its quantity, those of all other orders to 0. Each sum is weighted with a hash of the order's id, so that
-- two errors do not cancel out. (A deleted order that was shipped keeps its units. Its account is disputed too;
-- the checks of single orders accept it.)
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

-- Impossible lines: `units`, the sum of all lines up to this one, differs from the recorded stock, or one of
-- them is negative. The sum is in double precision, which is exact up to 2^53 and much faster than the numeric
-- sum of bigints.
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

-- The orders to examine. For all other orders, the client's answer, the key and the row agree, and the account
-- is not disputed.
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

-- All data of these orders: the clients' answers (told_…), the keys (held_…), the rows, the stock ledger.
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

-- The requests that change an order's status, and their answers, by order and by the requested status.
-- `maybes` are the requests that were not refused: they may have been done.
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

-- The difference between the database's clock and each worker's. An order was created after its request was
-- sent, and its line was written before the answer arrived: this gives two bounds. `best` is the middle of the
-- bounds. `error` is half of their distance, plus 20 ms for drift; the bounds are swapped if a clock was set
-- during the run. A few thousand orders are enough. An order that seems older than its request may be a repeated
-- request, which gives no bound.
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

-- The time after which acts may be missing in the ledger because their worker was lost: the last time that a
-- lost worker reported. Null if no worker was lost.
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

-- The periods in which a product had fewer units than a refused quantity. A period begins with the line that
-- took the units. It ends when the line that added units was visible: after the commit of its transaction, so
-- at the latest when its client got the answer. If no client got an answer, 10 s are allowed: a statement may
-- take 9.5 s in the API, including the commit. A new product has its first stock from its creation on.
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
