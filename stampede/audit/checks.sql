-- The checks: one view for each, with a row for each fault. `at` is its time by the database's clock, `size` its
-- size in units, `offender` a description from which a person can find it.

-- No stock is negative, neither of a product nor in a line of the stock ledger.
CREATE TEMPORARY VIEW no_negative_stock AS
SELECT at, -least(stock, line.stock_after) AS size,
       jsonb_build_object('what', format('a stock of %s', least(stock, line.stock_after)),
                          'product_id', accounts.product_id, 'sku', sku, 'order_id', order_id) AS offender
FROM accounts
LEFT JOIN (
    SELECT DISTINCT ON (product_id) * FROM broken_lines WHERE stock_after < 0 ORDER BY product_id, id
) AS line USING (product_id)
LEFT JOIN stock_movements ON stock_movements.id = line.id
WHERE stock < 0 OR line.stock_after < 0;

-- A product's stock is the sum of its movements; for a deleted product the sum is 0. Each line since the start
-- of the run records the sum of the lines up to it. Each creation, adjustment and deletion that the API
-- confirmed has its line.
CREATE TEMPORARY VIEW stock_equals_movements AS
SELECT at, greatest(abs(coalesce(stock, 0) - accounts.units), abs(line.stock_after - line.units)) AS size,
       jsonb_build_object(
           'what', CASE WHEN line.id IS NULL
               THEN format('a stock of %s, movements that add up to %s', coalesce(stock, 0), accounts.units)
               ELSE format('a movement records a stock of %s, but the movements add up to %s', line.stock_after, line.units)
           END,
           'product_id', accounts.product_id, 'sku', sku, 'movement_id', line.id, 'order_id', order_id
       ) AS offender
FROM accounts
LEFT JOIN (
    SELECT DISTINCT ON (product_id) * FROM broken_lines WHERE stock_after <> units ORDER BY product_id, id
) AS line USING (product_id)
LEFT JOIN stock_movements ON stock_movements.id = line.id
WHERE coalesce(stock, 0) <> accounts.units OR line.id IS NOT NULL
UNION ALL
SELECT to_timestamp(min(answered)), abs(min(applied) - coalesce(sum(delta), 0)),
       jsonb_build_object('what', format('the API confirmed an adjustment by %s units, but it was by %s',
                                         min(applied), coalesce(sum(delta), 0)),
                          'product_id', min(acts.product_id), 'key', key, 'worker', min(worker))
FROM acts LEFT JOIN lines ON lines.kind = 'adjusted' AND lines.reason = acts.key
WHERE act = 'adjust' AND outcome = 'ok' AND applied IS NOT NULL AND key IS NOT NULL
GROUP BY key HAVING count(lines.id) <> 1 OR min(applied) <> sum(delta)
UNION ALL
SELECT to_timestamp(answered), stock,
       jsonb_build_object('what', 'the API confirmed that it was created, but it was not', 'product_id', product_id,
                          'sku', sku, 'worker', worker)
FROM acts
WHERE act = 'create' AND outcome = 'ok' AND NOT EXISTS (
    SELECT FROM lines WHERE lines.product_id = acts.product_id AND kind = 'created' AND delta = coalesce(acts.stock, delta))
UNION ALL
SELECT to_timestamp(answered), NULL,
       jsonb_build_object('what', 'the API confirmed that it was deleted, but it was not', 'product_id', product_id,
                          'worker', worker)
FROM acts
WHERE act = 'delete_product' AND outcome = 'ok'
  AND product_id NOT IN (SELECT product_id FROM lines WHERE kind = 'removed');

-- No product was oversold: the sum of its movements was never negative, and live orders have at most the units
-- that were supplied.
CREATE TEMPORARY VIEW no_oversell AS
SELECT coalesce(at, first_over.created_at) AS at, oversold AS size,
       jsonb_build_object('what', format('%s more units sold than there were', oversold),
                          'product_id', sold.product_id, 'sku', sku, 'units', oversold, 'supplied', supplied,
                          'order_id', coalesce(order_id, first_over.id)) AS offender
FROM (
    SELECT accounts.*, greatest(live - supplied, lacking) AS oversold, line_id
    FROM accounts
    LEFT JOIN (
        SELECT product_id, -min(units) AS lacking, min(id) AS line_id
        FROM broken_lines WHERE units < 0 GROUP BY product_id
    ) AS below USING (product_id)
    WHERE live > supplied OR lacking > 0
) AS sold
LEFT JOIN stock_movements ON stock_movements.id = line_id
LEFT JOIN LATERAL (
    SELECT id, created_at FROM (
        SELECT id, created_at, sum(quantity) OVER (ORDER BY id) AS sold_by_then
        FROM orders WHERE orders.product_id = sold.product_id AND status <> 'CANCELED'
    ) AS live_orders
    WHERE sold_by_then > supplied ORDER BY id LIMIT 1
) AS first_over ON line_id IS NULL;

-- The products of races in which at least the whole stock was ordered. A product that got more units during
-- the race is not included.
CREATE TEMPORARY VIEW races AS
SELECT accounts.product_id, accounts.sku, accounts.stock, smallest_refused, asked.key, asked.answered
FROM acts AS made
JOIN accounts USING (product_id)
JOIN (
    SELECT product_id, sum(quantity) AS demand, min(quantity) FILTER (WHERE refused) AS smallest_refused,
           min(key) FILTER (WHERE refused) AS key, min(answered) FILTER (WHERE refused) AS answered
    FROM (
        SELECT product_id, key, max(quantity) AS quantity, max(answered) AS answered, bool_and(refused) AS refused
        FROM (
            SELECT product_id, key, quantity, answered, FALSE AS refused FROM told
            UNION ALL SELECT product_id, key, quantity, answered, TRUE FROM untold WHERE status = 409
        ) AS answers
        WHERE product_id IN (SELECT product_id FROM acts WHERE race)
        GROUP BY product_id, key
    ) AS racers
    GROUP BY product_id
) AS asked USING (product_id)
WHERE made.act = 'create' AND made.race AND made.outcome = 'ok' AND demand >= made.stock
  AND product_id NOT IN (SELECT product_id FROM lines WHERE kind NOT IN ('created', 'placed'));

-- A race sells the whole stock: no order was refused for units that were left at the end.
CREATE TEMPORARY VIEW no_undersell AS
SELECT to_timestamp(answered) AS at, stock AS size,
       jsonb_build_object('what', format('%s units were left, but an order for %s was refused', stock, smallest_refused),
                          'product_id', product_id, 'sku', sku, 'units', stock, 'key', key) AS offender
FROM races WHERE stock >= smallest_refused;

-- Acknowledged orders that are missing or different in the database. An order is not included if a client
-- changed or deleted it, or if a lost worker may have done so.
CREATE TEMPORARY VIEW lost_orders AS
SELECT to_timestamp(answered) AS at, told_quantity AS size, bulk,
       jsonb_build_object(
           'what', CASE
               WHEN NOT there THEN 'acknowledged, but not in the database'
               WHEN held_key <> key THEN format('acknowledged, but it is the order of key %s', held_key)
               ELSE format('acknowledged: %s of product %s; there: %s of product %s',
                           told_quantity, told_product_id, quantity, product_id)
           END,
           'order_id', id, 'key', key, 'worker', worker, 'product_id', told_product_id) AS offender
FROM suspects, unreported
WHERE key IS NOT NULL AND CASE
    WHEN NOT there THEN
        NOT EXISTS (SELECT FROM steps WHERE order_id = id AND step = 'DELETED' AND maybes > 0)
        AND (deleted > 0 AND last_at >= since) IS NOT TRUE
    WHEN held_key <> key OR product_id <> told_product_id THEN TRUE
    WHEN quantity <> told_quantity THEN
        NOT EXISTS (SELECT FROM acts WHERE act = 'change_order' AND order_id = id
                    AND acts.quantity = suspects.quantity AND outcome <> 'refused')
        AND (changed > 0 AND last_at >= since) IS NOT TRUE
    ELSE FALSE
END
UNION ALL
SELECT to_timestamp(answered), quantity, bulk,
       jsonb_build_object('what', 'acknowledged, but without an id', 'key', key, 'worker', worker,
                          'product_id', product_id)
FROM told WHERE order_id IS NULL;

-- Acknowledged changes to a quantity that the order never had. The quantities come from the lines that took the
-- order's units, so earlier and later changes do not matter.
CREATE TEMPORARY VIEW lost_changes AS
WITH changes AS (
    SELECT * FROM acts
    WHERE act = 'change_order' AND outcome = 'ok' AND quantity IS NOT NULL
      AND order_id IN (SELECT order_id FROM told)
), had AS (
    SELECT order_id, -sum(delta) OVER (PARTITION BY order_id ORDER BY id) AS quantity
    FROM lines WHERE kind IN ('placed', 'changed') AND order_id IN (SELECT order_id FROM changes)
)
SELECT to_timestamp(answered) AS at, quantity AS size,
       jsonb_build_object('what', format('acknowledged as an order of %s units, and never was one', quantity),
                          'order_id', order_id, 'worker', worker) AS offender
FROM changes WHERE NOT EXISTS (
    SELECT FROM had WHERE (had.order_id, had.quantity) = (changes.order_id, changes.quantity));

-- Each acknowledged order exists with the product and the quantity of the answer, and has had each quantity
-- of an acknowledged change.
CREATE TEMPORARY VIEW acknowledged_orders_kept AS
SELECT at, size, offender FROM lost_orders
UNION ALL
SELECT at, size, offender FROM lost_changes;

-- Orders under keys of the run that were acknowledged to no client. `asked`: a client had sent a request with
-- this key.
CREATE TEMPORARY VIEW unacknowledged AS
SELECT suspects.*, EXISTS (SELECT FROM told WHERE told.key = held_key)
                   OR EXISTS (SELECT FROM untold WHERE untold.key = held_key) AS asked,
       split_part(held_key, '/', 2) IN (SELECT worker FROM lost_workers) AS may_be_unreported
FROM suspects WHERE is_ours AND key IS NULL;

-- A client has sent each order of the run; only orders of lost workers are in doubt. There are no orders of
-- the run's products without a key. Each key belongs to an order that exists or was deleted.
CREATE TEMPORARY VIEW no_unexpected_orders AS
SELECT held_at AS at, held_quantity AS size,
       jsonb_build_object('what', 'an order under a key that no client used', 'order_id', id,
                          'key', held_key, 'product_id', held_product_id) AS offender
FROM unacknowledged WHERE NOT asked AND NOT may_be_unreported
UNION ALL
SELECT created_at, quantity,
       jsonb_build_object('what', 'an order without a key that was confirmed to no client', 'order_id', id,
                          'product_id', product_id)
FROM suspects
WHERE there AND key IS NULL AND held_key IS NULL AND created_at >= (SELECT mark FROM run)
  AND product_id IN (SELECT product_id FROM run_products)
UNION ALL
SELECT held_at, held_quantity,
       jsonb_build_object('what', 'a key without its order', 'order_id', id, 'key', held_key,
                          'product_id', held_product_id)
FROM unacknowledged
WHERE asked AND NOT there AND deleted = 0
  AND NOT EXISTS (SELECT FROM steps WHERE order_id = id AND step = 'DELETED' AND maybes > 0);

-- Acknowledged orders whose key has no order or another order in the database.
CREATE TEMPORARY VIEW forgotten_orders AS
SELECT to_timestamp(answered) AS at, told_quantity AS size, bulk,
       jsonb_build_object(
           'what', CASE WHEN held_key IS NULL THEN 'an order that its key does not stand for'
                        ELSE format('an order that stands under key %s: %s of product %s',
                                    held_key, held_quantity, held_product_id) END,
           'order_id', id, 'key', key, 'worker', worker, 'product_id', told_product_id) AS offender
FROM suspects
WHERE key IS NOT NULL AND (held_key, held_product_id, held_quantity)
                          IS DISTINCT FROM (key, told_product_id, told_quantity);

-- Each key has one order, which is the acknowledged one, and each order has one line that takes its units.
CREATE TEMPORARY VIEW one_order_per_key AS
SELECT at, size, offender FROM forgotten_orders
UNION ALL
SELECT held_at, held_quantity,
       jsonb_build_object('what', 'a second order for one key', 'order_id', id, 'key', held_key,
                          'product_id', held_product_id)
FROM unacknowledged
WHERE EXISTS (SELECT FROM told WHERE told.key = held_key AND told.order_id <> id)
UNION ALL
SELECT created_at, abs(taken - quantity),
       jsonb_build_object('what', format('an order of %s units with %s lines that take %s',
                                         quantity, placed, taken),
                          'order_id', id, 'key', coalesce(key, held_key), 'product_id', product_id)
FROM suspects
WHERE there AND (key IS NOT NULL OR is_ours) AND (placed <> 1 OR taken <> quantity);

-- Orders under keys that got only refusals. A key that was sent twice is not included: its first request may
-- have arrived late.
CREATE TEMPORARY VIEW refused_orders AS
SELECT held_at AS at, held_quantity AS size, refused.bulk,
       jsonb_build_object('what', format('refused with %s, but it is in the database', refused.status),
                          'order_id', id, 'key', held_key, 'worker', refused.worker,
                          'product_id', held_product_id) AS offender
FROM unacknowledged
JOIN (
    SELECT key, min(worker) AS worker, bool_or(bulk) AS bulk, min(status) AS status
    FROM untold GROUP BY key HAVING bool_and(outcome = 'refused' AND coalesce(tries, 1) = 1)
) AS refused ON refused.key = held_key
WHERE NOT EXISTS (SELECT FROM told WHERE told.key = held_key);

-- Products that were created while the API refused a client's request to create them, and that no other
-- request created.
CREATE TEMPORARY VIEW refused_products AS
SELECT line.at, made.stock AS size, made.bulk,
       jsonb_build_object('what', 'a product whose creation was refused', 'product_id', accounts.product_id,
                          'sku', accounts.sku, 'worker', worker) AS offender
FROM acts AS made
JOIN accounts ON accounts.sku = upper(made.sku)
JOIN lines AS line ON line.product_id = accounts.product_id AND line.kind = 'created'
LEFT JOIN clocks USING (worker)
CROSS JOIN unreported
WHERE act = 'create' AND outcome = 'refused' AND (line.at >= since) IS NOT TRUE
  AND line.at BETWEEN to_timestamp(sent) + coalesce(best - error, interval '-1 day')
                  AND to_timestamp(answered) + coalesce(best + error, interval '1 day')
  AND NOT EXISTS (SELECT FROM acts AS others WHERE others.act = 'create' AND others.outcome <> 'refused'
                  AND (upper(others.sku) = accounts.sku OR others.product_id = accounts.product_id));

-- A refusal changes no order, no product, no status and no stock. No units are taken for an order that does
-- not exist.
CREATE TEMPORARY VIEW refused_means_no_effect AS
SELECT at, size, offender FROM refused_orders
UNION ALL
SELECT at, size, offender FROM refused_products
UNION ALL
SELECT first_at, taken,
       jsonb_build_object('what', format('%s units taken for an order that does not exist', taken),
                          'order_id', id, 'product_id', moved_product_id)
FROM suspects WHERE placed > 0 AND NOT there AND deleted = 0
UNION ALL
SELECT done_at, refusals,
       jsonb_build_object('what', format('%s, but every such request was refused', step),
                          'order_id', order_id)
FROM steps, unreported
WHERE maybes = 0 AND done_at IS NOT NULL AND (done_at >= since) IS NOT TRUE
  AND EXISTS (SELECT FROM told WHERE told.order_id = steps.order_id)
UNION ALL
SELECT at, abs(delta),
       jsonb_build_object('what', format('an adjustment by %s that was refused', delta),
                          'product_id', lines.product_id, 'key', key, 'worker', worker)
FROM acts JOIN lines ON reason = key
WHERE act = 'adjust' AND outcome = 'refused' AND kind = 'adjusted';

-- Each 409, and whether the product had too few units during the request: by the best estimate of the clocks
-- (`was_short`), and within their error (`may_have_been_short`).
CREATE TEMPORARY TABLE sold_out AS
SELECT refusals.*, coalesce(available >= quantity, FALSE) AS is_contradiction,
       coalesce((SELECT until FROM shortages
                 WHERE (shortages.product_id, shortages.quantity) = (refusals.product_id, refusals.quantity)
                   AND since <= answered_at ORDER BY since DESC LIMIT 1) >= sent_at, FALSE) AS was_short,
       coalesce((SELECT until FROM shortages
                 WHERE (shortages.product_id, shortages.quantity) = (refusals.product_id, refusals.quantity)
                   AND since <= answered_at + error ORDER BY since DESC LIMIT 1) >= sent_at - error, FALSE)
           AS may_have_been_short
FROM refusals;

CREATE TEMPORARY VIEW false_refusals AS
SELECT sent_at AS at, quantity AS size, is_contradiction OR NOT may_have_been_short AS is_certain,
       jsonb_build_object(
           'what', CASE WHEN is_contradiction
               THEN format('refused for lack of stock: %s units, of %s available', quantity, available)
               ELSE format('refused for lack of stock: %s units, when there were as many', quantity)
           END,
           'product_id', product_id, 'key', key, 'worker', worker) AS offender
FROM sold_out WHERE is_contradiction OR NOT was_short;

-- For each 409 "sold out", the product had too few units at some moment of the request.
CREATE TEMPORARY VIEW sold_out_was_true AS
SELECT at, size, offender FROM false_refusals WHERE is_certain;

-- Refusals that are true only if the clocks are wrong by up to their error.
CREATE TEMPORARY VIEW sold_out_was_true_in_doubt AS
SELECT at, size, offender FROM false_refusals WHERE NOT is_certain;

-- Orders go from PENDING to PAID to SHIPPED, or to CANCELED before SHIPPED. Each acknowledged change is done.
-- Units return to the stock once.
CREATE TEMPORARY VIEW legal_status_paths AS
SELECT coalesce(canceled_at, shipped_at, paid_at, created_at) AS at, quantity AS size,
       jsonb_build_object(
           'what', format('%s, paid %s, shipped %s, canceled %s', status, coalesce(paid_at::text, 'never'),
                          coalesce(shipped_at::text, 'never'), coalesce(canceled_at::text, 'never')),
           'order_id', id, 'product_id', product_id) AS offender
FROM new_orders
WHERE product_id IN (SELECT product_id FROM run_products) AND NOT CASE status
    WHEN 'PENDING' THEN num_nonnulls(paid_at, shipped_at, canceled_at) = 0
    WHEN 'PAID' THEN paid_at IS NOT NULL AND num_nonnulls(shipped_at, canceled_at) = 0
    WHEN 'SHIPPED' THEN num_nonnulls(paid_at, shipped_at) = 2 AND canceled_at IS NULL
    WHEN 'CANCELED' THEN canceled_at IS NOT NULL AND shipped_at IS NULL
END
UNION ALL
SELECT to_timestamp(first_sent), oks,
       jsonb_build_object('what', format('acknowledged as %s, and is not', step), 'order_id', order_id)
FROM steps WHERE oks > 0 AND there AND done_at IS NULL AND step IN ('PAID', 'SHIPPED', 'CANCELED', 'DELETED')
UNION ALL
SELECT to_timestamp(first_sent), oks,
       jsonb_build_object('what', format('acknowledged as %s %s times', step, oks), 'order_id', order_id)
FROM steps WHERE oks > 1 AND step IN ('PAID', 'SHIPPED')
UNION ALL
SELECT to_timestamp(max(first_sent)), 2,
       jsonb_build_object('what', 'acknowledged as SHIPPED and as CANCELED', 'order_id', order_id)
FROM steps WHERE oks > 0 AND step IN ('SHIPPED', 'CANCELED') GROUP BY order_id HAVING count(*) = 2
UNION ALL
SELECT last_at, abs(returned - CASE status WHEN 'CANCELED' THEN quantity ELSE 0 END),
       jsonb_build_object('what', format('%s, with %s of %s units returned, in %s lines',
                                         status, returned, quantity, canceled),
                          'order_id', id, 'product_id', product_id)
FROM suspects
WHERE there AND (key IS NOT NULL OR is_ours)
  AND (canceled <> (status = 'CANCELED')::integer
       OR returned <> CASE status WHEN 'CANCELED' THEN quantity ELSE 0 END)
UNION ALL
SELECT last_at, abs(balance),
       jsonb_build_object('what', format('deleted in %s lines, with %s of %s units returned',
                                         deleted, taken + balance, taken),
                          'order_id', id, 'product_id', moved_product_id)
FROM suspects, unreported
WHERE deleted > 0 AND (key IS NOT NULL OR is_ours) AND (there OR deleted > 1 OR balance > 0 OR (
    balance < 0 AND since IS NULL
    AND NOT EXISTS (SELECT FROM steps WHERE order_id = id AND step = 'SHIPPED' AND maybes > 0)));

-- The totals that clients read, of orders whose quantity was not changed.
CREATE TEMPORARY TABLE totals AS
SELECT worker, answered, order_id, total_value, orders.product_id, unit_price, orders.quantity
FROM acts JOIN orders ON orders.id = order_id
WHERE act = 'total' AND total_value IS NOT NULL
  AND order_id NOT IN (SELECT order_id FROM acts WHERE act = 'change_order' AND quantity IS NOT NULL)
  AND order_id NOT IN (SELECT order_id FROM lines WHERE kind = 'changed');

-- Orders of products that the run created: all prices of these products are known.
CREATE TEMPORARY TABLE priced_orders AS
SELECT id, product_id, created_at, unit_price, price
FROM acts JOIN new_orders USING (product_id), unreported
WHERE act = 'create' AND outcome = 'ok' AND (created_at >= since) IS NOT TRUE;

-- An order permanently has the price that its product had at the time of the order.
CREATE TEMPORARY VIEW totals_at_order_price AS
SELECT to_timestamp(answered) AS at, abs(total_value - (unit_price * quantity)::double precision) AS size,
       jsonb_build_object('what', format('a total of %s, for %s at %s', total_value, quantity, unit_price),
                          'order_id', order_id, 'product_id', product_id, 'worker', worker) AS offender
FROM totals WHERE total_value <> (unit_price * quantity)::double precision
UNION ALL
SELECT to_timestamp(answered), 0,
       jsonb_build_object('what', 'a total that is not a number', 'order_id', order_id, 'worker', worker)
FROM acts WHERE act = 'total' AND total_value IS NULL
UNION ALL
SELECT created_at, abs(unit_price - price),
       jsonb_build_object('what', format('ordered at %s, a price its product never had', unit_price),
                          'order_id', id, 'product_id', product_id)
FROM priced_orders
WHERE unit_price <> price AND NOT EXISTS (
    SELECT FROM acts WHERE act = 'change_product' AND acts.product_id = priced_orders.product_id
    AND acts.price = unit_price AND outcome <> 'refused');

-- The lines of bulk calls that got no answer. `is_done`: the order exists. `could_be`: the stock always sufficed
-- for it during the run.
CREATE TEMPORARY VIEW unknown_lines AS
SELECT substring(untold.key FROM '^(.*)#') AS call, sent, untold.worker,
       EXISTS (SELECT FROM unacknowledged WHERE held_key = untold.key) AS is_done,
       coalesce(there AND lowest >= quantity AND (is_new OR opening >= quantity), FALSE) AS could_be
FROM untold
LEFT JOIN accounts USING (product_id)
LEFT JOIN (SELECT product_id, min(stock_after) AS lowest FROM lines GROUP BY product_id) AS since
    USING (product_id)
WHERE bulk AND outcome <> 'refused';

-- The answer of a bulk call agrees with the database, line by line. A call without an answer is done completely
-- or not at all.
CREATE TEMPORARY VIEW bulk_matches_rows AS
SELECT at, size, offender FROM lost_orders WHERE bulk
UNION ALL
SELECT at, size, offender FROM forgotten_orders WHERE bulk
UNION ALL
SELECT at, size, offender FROM refused_orders WHERE bulk
UNION ALL
SELECT at, size, offender FROM refused_products WHERE bulk
UNION ALL
SELECT to_timestamp(answered), made.stock,
       jsonb_build_object('what', 'created, but not as the API confirmed it', 'product_id', product_id,
                          'sku', made.sku, 'worker', worker)
FROM acts AS made LEFT JOIN accounts USING (product_id)
WHERE act = 'create' AND bulk AND outcome = 'ok' AND (
    (product_id, made.stock) NOT IN (SELECT product_id, delta FROM lines WHERE kind = 'created')
    OR product_id IS NULL
    OR (upper(made.sku) <> accounts.sku AND product_id NOT IN (
        SELECT product_id FROM acts WHERE act = 'change_product' AND sku IS NOT NULL AND outcome <> 'refused')))
UNION ALL
SELECT to_timestamp(min(sent)), count(*) FILTER (WHERE NOT is_done),
       jsonb_build_object('what', format('a call without an answer, %s of whose %s lines are done',
                                         count(*) FILTER (WHERE is_done), count(*)),
                          'key', call, 'worker', min(worker))
FROM unknown_lines GROUP BY call HAVING bool_or(is_done) AND bool_or(NOT is_done AND could_be);

-- How many things each check examined, their noun, and how many are in doubt.
CREATE TEMPORARY VIEW examined AS
WITH counts AS (
    SELECT (SELECT count(*) FROM accounts) AS products, (SELECT sum(new_orders) FROM accounts) AS orders,
           (SELECT count(*) FROM told) AS told, (SELECT count(*) FROM told WHERE bulk) AS bulk_told,
           (SELECT count(*) FROM untold) AS untold,
           (SELECT count(*) FROM untold WHERE outcome = 'refused') AS refused_orders,
           (SELECT count(*) FROM untold WHERE bulk) AS bulk_untold,
           (SELECT count(*) FROM acts WHERE outcome = 'refused') AS refused_acts,
           (SELECT count(*) FROM acts WHERE act = 'create' AND bulk) AS bulk_created
)
SELECT name, coalesce(number, 0)::bigint AS number, things, doubts
FROM counts CROSS JOIN LATERAL (VALUES
    ('no_negative_stock', products, 'products', 0),
    ('stock_equals_movements', products, 'products', 0),
    ('no_oversell', products, 'products', 0),
    ('no_undersell', (SELECT count(*) FROM races), 'races', 0),
    ('acknowledged_orders_kept', told, 'acknowledged orders', 0),
    ('no_unexpected_orders', orders, 'orders',
     (SELECT count(*) FROM unacknowledged WHERE NOT asked AND may_be_unreported)),
    ('one_order_per_key', told + untold, 'attempts to order', 0),
    ('refused_means_no_effect', refused_orders + refused_acts, 'refusals', 0),
    ('sold_out_was_true', (SELECT count(*) FROM sold_out), 'answers with status 409',
     (SELECT count(*) FROM sold_out_was_true_in_doubt)),
    ('legal_status_paths', orders, 'orders', 0),
    ('totals_at_order_price', (SELECT count(*) FROM totals) + (SELECT count(*) FROM priced_orders),
     'totals and prices', 0),
    ('bulk_matches_rows', bulk_told + bulk_untold + bulk_created, 'lines of bulk calls', 0)
) AS checks (name, number, things, doubts);

-- The figures of GET /summary, counted in the tables.
CREATE TEMPORARY VIEW recount AS
SELECT *
FROM (
    SELECT count(*) AS products, count(*) FILTER (WHERE stock > 0) AS in_stock,
           count(*) FILTER (WHERE stock = 0) AS out_of_stock,
           count(*) FILTER (WHERE stock <= 10) AS low_stock_count,
           coalesce(sum(stock), 0) AS total_stock_quantity,
           coalesce(sum(stock * price), 0) AS total_stock_value
    FROM products
) AS inventory
CROSS JOIN (
    SELECT count(*) AS orders, count(*) FILTER (WHERE status = 'PENDING') AS pending,
           count(*) FILTER (WHERE status = 'PAID') AS paid, count(*) FILTER (WHERE status = 'SHIPPED') AS shipped,
           count(*) FILTER (WHERE status = 'CANCELED') AS canceled,
           coalesce(sum(quantity), 0) AS total_quantity_ordered,
           coalesce(sum(quantity * unit_price), 0) AS total_order_value
    FROM orders
) AS ordered;
