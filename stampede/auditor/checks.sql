-- The checks: a view each, whose rows are what is wrong. `at` says when by the database's clock, `size` how
-- bad, `offender` what it is, for a person to find it.

-- Nowhere is there less than nothing: in no stock, and in no line of the stock ledger.
CREATE TEMPORARY VIEW no_negative_stock AS
SELECT coalesce(line.at, last_at) AS at, -least(stock, line.stock_after) AS size,
       jsonb_build_object('what', format('a stock of %s', least(stock, line.stock_after)),
                          'product_id', product_id, 'sku', sku, 'order_id', order_id) AS offender
FROM accounts
LEFT JOIN (
    SELECT DISTINCT ON (product_id) * FROM broken_lines WHERE stock_after < 0 ORDER BY product_id, id
) AS line USING (product_id)
WHERE accounts.stock < 0 OR line.stock_after < 0;

-- A product's stock is the sum of all its movements, a deleted one's sum is 0; and since the run began each
-- line says what the lines up to it add up to.
CREATE TEMPORARY VIEW stock_equals_movements AS
SELECT coalesce(line.at, last_at) AS at,
       greatest(abs(coalesce(stock, 0) - accounts.units), abs(line.stock_after - line.units)) AS size,
       jsonb_build_object(
           'what', CASE WHEN line.id IS NULL
               THEN format('a stock of %s, movements that add up to %s', coalesce(stock, 0), accounts.units)
               ELSE format('a line that says %s, where the lines add up to %s', line.stock_after, line.units)
           END,
           'product_id', product_id, 'sku', sku, 'movement_id', line.id, 'order_id', order_id) AS offender
FROM accounts
LEFT JOIN (
    SELECT DISTINCT ON (product_id) * FROM broken_lines WHERE stock_after <> units ORDER BY product_id, id
) AS line USING (product_id)
WHERE coalesce(stock, 0) <> accounts.units OR line.id IS NOT NULL;

-- Never was more sold than there was: the movements add up to less than nothing at no line, and live orders
-- have no more units than were ever supplied.
CREATE TEMPORARY VIEW no_oversell AS
SELECT coalesce(line.at, over.created_at, last_at) AS at, oversold AS size,
       jsonb_build_object('what', format('%s units sold that were not there', oversold),
                          'product_id', product_id, 'sku', sku, 'units', oversold, 'supplied', supplied,
                          'order_id', coalesce(line.order_id, over.id)) AS offender
FROM (
    SELECT accounts.*, greatest(live - supplied, lacking) AS oversold
    FROM accounts
    LEFT JOIN (
        SELECT product_id, -min(units) AS lacking FROM broken_lines WHERE units < 0 GROUP BY product_id
    ) AS lowest USING (product_id)
    WHERE live > supplied OR lacking > 0
) AS sold
LEFT JOIN (
    SELECT DISTINCT ON (product_id) * FROM broken_lines WHERE units < 0 ORDER BY product_id, id
) AS line USING (product_id)
LEFT JOIN LATERAL (
    SELECT id, created_at FROM (
        SELECT id, created_at, sum(quantity) OVER (ORDER BY id) AS sold_by_now
        FROM orders WHERE orders.product_id = sold.product_id AND status <> 'CANCELED'
    ) AS live_orders
    WHERE sold_by_now > supplied ORDER BY id LIMIT 1
) AS over ON line.id IS NULL;

-- What was raced for, once more was asked for than there was. One that was restocked, or given something
-- back, is no such race any more.
CREATE TEMPORARY VIEW races AS
SELECT accounts.product_id, accounts.sku, accounts.stock, demand, smallest_refused, asked.key, asked.answered
FROM acts AS made
JOIN accounts USING (product_id)
JOIN (
    SELECT product_id, sum(quantity) AS demand, min(quantity) FILTER (WHERE refused) AS smallest_refused,
           min(key) FILTER (WHERE refused) AS key, min(answered) FILTER (WHERE refused) AS answered
    FROM (
        SELECT product_id, key, max(quantity) AS quantity, max(answered) AS answered,
               bool_and(outcome = 'refused') AS refused
        FROM attempts WHERE outcome = 'ok' OR status = 409 GROUP BY product_id, key
    ) AS racers
    GROUP BY product_id
) AS asked USING (product_id)
WHERE made.act = 'create' AND made.race AND made.outcome = 'ok' AND NOT restocked AND demand >= made.stock;

-- A race sells all there is: nobody is refused what is still there at the end.
CREATE TEMPORARY VIEW no_undersell AS
SELECT to_timestamp(answered) AS at, stock AS size,
       jsonb_build_object('what', format('%s units left that were refused', stock), 'product_id', product_id,
                          'sku', sku, 'units', stock, 'key', key) AS offender
FROM races WHERE stock >= smallest_refused;

-- An order that a client was told of is there, with the product and the quantity of the answer. Not if
-- clients changed or deleted it, or a lost worker may have.
CREATE TEMPORARY VIEW acknowledged_orders AS
SELECT to_timestamp(answered) AS at, told_quantity AS size, bulk,
       jsonb_build_object(
           'what', CASE WHEN there
               THEN format('acknowledged: %s of product %s; there: %s of product %s',
                           told_quantity, told_product_id, quantity, product_id)
               ELSE 'acknowledged, but not there'
           END,
           'order_id', id, 'key', key, 'worker', worker, 'product_id', told_product_id) AS offender
FROM suspects, unreported
WHERE key IS NOT NULL AND CASE
    WHEN NOT there THEN
        NOT EXISTS (SELECT FROM steps WHERE order_id = id AND step = 'DELETED' AND maybes > 0)
        AND (deleted > 0 AND last_at >= since) IS NOT TRUE
    WHEN product_id <> told_product_id THEN TRUE
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
FROM attempts WHERE outcome = 'ok' AND order_id IS NULL;

CREATE TEMPORARY VIEW acknowledged_orders_kept AS SELECT at, size, offender FROM acknowledged_orders;

-- Orders under keys of the run that no client has in its ledger.
CREATE TEMPORARY VIEW unknown_keys AS
SELECT suspects.*, held_worker IN (SELECT worker FROM lost_workers) AS may_be_unreported
FROM (SELECT *, split_part(held_key, '/', 2) AS held_worker FROM suspects) AS suspects
WHERE is_ours AND key IS NULL AND NOT EXISTS (SELECT FROM attempts WHERE attempts.key = held_key);

-- Every order of the run was sent by a client; only what a lost worker had not reported is in doubt. On the
-- run's products nobody else orders without a key. And a key stands for an order that is there, or was.
CREATE TEMPORARY VIEW no_unexpected_orders AS
SELECT held_at AS at, held_quantity AS size,
       jsonb_build_object('what', 'an order under a key that no client used', 'order_id', id,
                          'key', held_key, 'product_id', held_product_id) AS offender
FROM unknown_keys WHERE NOT may_be_unreported
UNION ALL
SELECT created_at, quantity,
       jsonb_build_object('what', 'an order without a key, that no client was told of',
                          'order_id', suspects.id, 'product_id', product_id)
FROM suspects JOIN run_products USING (product_id), run
WHERE suspects.there AND created_at >= mark AND key IS NULL AND held_key IS NULL
UNION ALL
SELECT held_at, held_quantity,
       jsonb_build_object('what', 'a key without its order', 'order_id', id, 'key', held_key,
                          'product_id', held_product_id)
FROM suspects
WHERE is_ours AND key IS NULL AND NOT suspects.there AND deleted = 0
  AND NOT EXISTS (SELECT FROM steps WHERE order_id = id AND step = 'DELETED' AND maybes > 0)
  AND EXISTS (SELECT FROM attempts WHERE attempts.key = held_key);

-- Answers and the keys they were given under: the shop must remember each as it was told.
CREATE TEMPORARY VIEW forgotten_keys AS
SELECT to_timestamp(answered) AS at, told_quantity AS size, bulk,
       jsonb_build_object(
           'what', CASE WHEN held_key IS NULL THEN 'an answer that its key does not stand for'
                        ELSE format('an order that key %s stands for', held_key) END,
           'order_id', id, 'key', key, 'worker', worker, 'product_id', told_product_id) AS offender
FROM suspects
WHERE key IS NOT NULL AND (held_key, held_product_id, held_quantity)
                          IS DISTINCT FROM (key, told_product_id, told_quantity);

-- A key stands for one order, whatever came of its answers; and an order has one line that takes its units.
CREATE TEMPORARY VIEW one_order_per_key AS
SELECT at, size, offender FROM forgotten_keys
UNION ALL
SELECT held_at, held_quantity,
       jsonb_build_object('what', 'a second order for one key', 'order_id', id, 'key', held_key,
                          'product_id', held_product_id)
FROM suspects
WHERE is_ours AND key IS NULL
  AND EXISTS (SELECT FROM attempts WHERE attempts.key = held_key AND attempts.order_id <> suspects.id)
UNION ALL
SELECT created_at, abs(taken - quantity),
       jsonb_build_object('what', format('an order of %s units with %s lines that take %s',
                                         quantity, placed, taken),
                          'order_id', id, 'key', coalesce(key, held_key), 'product_id', product_id)
FROM suspects
WHERE there AND (key IS NOT NULL OR is_ours) AND (placed <> 1 OR taken <> quantity);

-- Orders under keys whose every answer was a refusal. One that was sent twice may have arrived late.
CREATE TEMPORARY VIEW refused_orders AS
SELECT held_at AS at, held_quantity AS size, refused.bulk,
       jsonb_build_object('what', format('refused with %s, and there all the same', refused.status), 'order_id', id,
                          'key', held_key, 'worker', refused.worker, 'product_id', held_product_id) AS offender
FROM (SELECT * FROM suspects WHERE is_ours AND suspects.key IS NULL) AS suspects
JOIN (
    SELECT key, min(worker) AS worker, bool_or(bulk) AS bulk, min(status) AS status
    FROM attempts GROUP BY key HAVING bool_and(outcome = 'refused' AND coalesce(tries, 1) = 1)
) AS refused ON refused.key = held_key;

-- Products that came into being while a client's attempt to make just that one was refused, and that nobody
-- else made.
CREATE TEMPORARY VIEW refused_products AS
SELECT line.at, made.stock AS size, bulk,
       jsonb_build_object('what', 'refused, and there all the same', 'product_id', line.product_id,
                          'sku', run_products.sku, 'worker', made.worker) AS offender
FROM acts AS made
LEFT JOIN clocks USING (worker)
JOIN run_products ON run_products.sku = upper(made.sku)
JOIN lines AS line ON line.product_id = run_products.product_id AND line.kind = 'created', unreported
WHERE act = 'create' AND outcome = 'refused'
  AND line.at BETWEEN to_timestamp(sent) + coalesce(best - error, interval '-1 day')
                  AND to_timestamp(answered) + coalesce(best + error, interval '1 day')
  AND (line.at >= since) IS NOT TRUE
  AND NOT EXISTS (SELECT FROM acts AS others WHERE others.act = 'create' AND others.outcome <> 'refused'
                  AND (upper(others.sku) = run_products.sku OR others.product_id = line.product_id));

-- A refusal changes nothing: no order, no product, no status, no movement, and no units taken for an order
-- that does not exist.
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
       jsonb_build_object('what', format('%s, though every such request was refused', step), 'order_id', order_id)
FROM steps, unreported
WHERE maybes = 0 AND done_at IS NOT NULL AND (done_at >= since) IS NOT TRUE
  AND EXISTS (SELECT FROM attempts WHERE attempts.order_id = steps.order_id)
UNION ALL
SELECT at, abs(delta),
       jsonb_build_object('what', 'an adjustment that was refused, and done', 'product_id', lines.product_id,
                          'key', key, 'worker', worker)
FROM acts JOIN lines ON lines.kind = 'adjusted' AND reason = key
WHERE act = 'adjust' AND outcome = 'refused';

-- Each 409 and whether there was a shortage while it was asked: by the best of our knowledge of the clocks,
-- and as far as they may be off.
CREATE TEMPORARY TABLE sold_out AS
SELECT refusals.*, coalesce(available >= quantity, FALSE) AS contradicts_itself,
       coalesce((SELECT until FROM shortages
                 WHERE (shortages.product_id, shortages.quantity) = (refusals.product_id, refusals.quantity)
                   AND since <= answered_at ORDER BY since DESC LIMIT 1) >= sent_at, FALSE) AS was_short,
       coalesce((SELECT until FROM shortages
                 WHERE (shortages.product_id, shortages.quantity) = (refusals.product_id, refusals.quantity)
                   AND since <= answered_at + error ORDER BY since DESC LIMIT 1) >= sent_at - error, FALSE)
           AS may_have_been_short
FROM refusals;

CREATE TEMPORARY VIEW false_sold_out AS
SELECT sent_at AS at, quantity AS size, contradicts_itself OR NOT may_have_been_short AS is_certain,
       jsonb_build_object(
           'what', CASE WHEN contradicts_itself
               THEN format('refused with 409: %s of %s that are available', quantity, available)
               ELSE format('refused with 409: %s units of a product that had them', quantity)
           END,
           'product_id', product_id, 'key', key, 'worker', worker) AS offender
FROM sold_out WHERE contradicts_itself OR NOT was_short;

-- Who was told "sold out" asked at a moment when there was not enough.
CREATE TEMPORARY VIEW sold_out_was_true AS
SELECT at, size, offender FROM false_sold_out WHERE is_certain;

-- In doubt where only the error of the clocks could make it true.
CREATE TEMPORARY VIEW sold_out_was_true_in_doubt AS
SELECT at, size, offender FROM false_sold_out WHERE NOT is_certain;

-- PENDING, PAID, SHIPPED, or CANCELED before that; done is what was acknowledged; and units go back once.
CREATE TEMPORARY VIEW legal_status_paths AS
SELECT coalesce(canceled_at, shipped_at, paid_at, created_at) AS at, quantity AS size,
       jsonb_build_object(
           'what', format('%s, paid %s, shipped %s, canceled %s', status, coalesce(paid_at::text, 'never'),
                          coalesce(shipped_at::text, 'never'), coalesce(canceled_at::text, 'never')),
           'order_id', orders.id, 'product_id', product_id) AS offender
FROM orders JOIN run_products USING (product_id), run
WHERE created_at >= mark AND (
    (shipped_at IS NOT NULL AND (paid_at IS NULL OR canceled_at IS NOT NULL))
    OR (paid_at IS NOT NULL) < (status = 'PAID') OR (paid_at IS NOT NULL AND status = 'PENDING')
    OR (shipped_at IS NOT NULL) <> (status = 'SHIPPED')
    OR (canceled_at IS NOT NULL) <> (status = 'CANCELED'))
UNION ALL
SELECT to_timestamp(first_sent), oks,
       jsonb_build_object('what', format('acknowledged as %s, and is not', step), 'order_id', order_id)
FROM steps WHERE oks > 0 AND there AND done_at IS NULL AND step IN ('PAID', 'SHIPPED', 'CANCELED')
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
       jsonb_build_object('what', format('%s, with %s of %s units returned in %s lines',
                                         status, returned, quantity, canceled),
                          'order_id', id, 'product_id', product_id)
FROM suspects
WHERE there AND (key IS NOT NULL OR is_ours)
  AND (canceled <> (status = 'CANCELED')::integer OR returned <> CASE status WHEN 'CANCELED' THEN quantity ELSE 0 END)
UNION ALL
SELECT last_at, abs(balance),
       jsonb_build_object('what', format('deleted %s times, and %s of %s units did not come back',
                                         deleted, -balance, taken),
                          'order_id', id, 'product_id', moved_product_id)
FROM suspects, unreported
WHERE deleted > 0 AND (key IS NOT NULL OR is_ours)
  AND (there OR deleted > 1 OR balance > 0 OR (balance < 0 AND since IS NULL AND NOT EXISTS (
       SELECT FROM steps WHERE order_id = id AND step = 'SHIPPED' AND maybes > 0)));

-- Totals that clients read, of orders whose quantity nobody changed.
CREATE TEMPORARY VIEW totals AS
SELECT acts.worker, acts.answered, acts.order_id, acts.total_value, orders.product_id, unit_price, orders.quantity
FROM acts JOIN orders ON orders.id = acts.order_id
WHERE act = 'total' AND acts.total_value IS NOT NULL
  AND orders.id NOT IN (SELECT order_id FROM acts WHERE act = 'change_order' AND order_id IS NOT NULL)
  AND orders.id NOT IN (SELECT id FROM suspects WHERE changed > 0);

-- Orders of products that the run made: the prices these have had are known.
CREATE TEMPORARY VIEW priced_orders AS
SELECT orders.id, orders.product_id, orders.created_at, unit_price, made.price
FROM acts AS made JOIN orders USING (product_id), unreported
WHERE made.act = 'create' AND made.outcome = 'ok' AND (created_at >= since) IS NOT TRUE;

-- An order costs what its product cost when it was placed, then and later.
CREATE TEMPORARY VIEW totals_at_order_price AS
SELECT to_timestamp(answered) AS at, abs(total_value - (unit_price * quantity)::double precision) AS size,
       jsonb_build_object('what', format('a total of %s was told: %s × %s', total_value, quantity, unit_price),
                          'order_id', order_id, 'product_id', product_id, 'worker', worker) AS offender
FROM totals WHERE total_value <> (unit_price * quantity)::double precision
UNION ALL
SELECT created_at, abs(unit_price - price),
       jsonb_build_object('what', format('ordered at %s, a price the product never had', unit_price),
                          'order_id', id, 'product_id', product_id)
FROM priced_orders
WHERE unit_price <> price AND NOT EXISTS (
    SELECT FROM acts WHERE act = 'change_product' AND acts.product_id = priced_orders.product_id
    AND acts.price = unit_price AND outcome <> 'refused');

-- Lines of bulk calls that are unknown to the end, and whether they were done: all of a call or nothing.
-- `could_be`: there was never anything in the way.
CREATE TEMPORARY VIEW unknown_lines AS
SELECT substring(attempts.key FROM '^(.*)#') AS call, attempts.key AS line, sent, worker,
       suspects.id IS NOT NULL AS done, there AND lowest >= attempts.quantity AS could_be
FROM attempts
LEFT JOIN (SELECT id, held_key FROM suspects WHERE is_ours) AS suspects ON held_key = attempts.key
LEFT JOIN accounts ON accounts.product_id = attempts.product_id
WHERE attempts.bulk AND outcome IN ('unknown', 'open');

-- What a bulk call answered is what is there, line by line.
CREATE TEMPORARY VIEW bulk_matches_rows AS
SELECT at, size, offender FROM acknowledged_orders WHERE bulk
UNION ALL
SELECT at, size, offender FROM forgotten_keys WHERE bulk
UNION ALL
SELECT at, size, offender FROM refused_orders WHERE bulk
UNION ALL
SELECT at, size, offender FROM refused_products WHERE bulk
UNION ALL
SELECT to_timestamp(answered), made.stock,
       jsonb_build_object('what', 'created, but not there as it was told', 'product_id', made.product_id,
                          'sku', made.sku, 'worker', worker)
FROM acts AS made LEFT JOIN run_products USING (product_id)
WHERE act = 'create' AND bulk AND outcome = 'ok' AND (
    made.product_id IS NULL
    OR NOT EXISTS (SELECT FROM lines WHERE lines.product_id = made.product_id
                   AND kind = 'created' AND delta = made.stock)
    OR (there AND run_products.sku <> upper(made.sku) AND NOT EXISTS (
        SELECT FROM acts WHERE act = 'change_product' AND acts.product_id = made.product_id
        AND acts.sku IS NOT NULL AND outcome <> 'refused')))
UNION ALL
SELECT to_timestamp(min(sent)), count(*) FILTER (WHERE NOT done),
       jsonb_build_object('what', format('%s of %s lines done of a call without an answer',
                                         count(*) FILTER (WHERE done), count(*)),
                          'key', call, 'worker', min(worker))
FROM unknown_lines GROUP BY call HAVING bool_or(done) AND bool_or(NOT done AND could_be);

-- How much each check had to look at, and of what; how much is in doubt.
CREATE TEMPORARY VIEW examined AS
WITH asked AS (
    SELECT count(*) FILTER (WHERE outcome = 'ok') AS oks, count(*) FILTER (WHERE outcome = 'refused') AS refused,
           count(*) FILTER (WHERE outcome = 'ok' AND bulk) AS bulk_oks,
           count(*) FILTER (WHERE outcome = 'refused' AND bulk) AS bulk_refused,
           count(*) AS all_of_them
    FROM attempts
), acted AS (
    SELECT count(*) FILTER (WHERE outcome = 'refused') AS refused,
           count(*) FILTER (WHERE act = 'create' AND bulk AND outcome IN ('ok', 'refused')) AS bulk
    FROM acts
), account AS (
    SELECT count(*) AS products, sum(orders) AS orders FROM accounts
)
SELECT 'no_negative_stock' AS name, products AS examined, 'products' AS things, 0 AS in_doubt FROM account
UNION ALL SELECT 'stock_equals_movements', products, 'products', 0 FROM account
UNION ALL SELECT 'no_oversell', products, 'products', 0 FROM account
UNION ALL SELECT 'no_undersell', count(*), 'races', 0 FROM races
UNION ALL SELECT 'acknowledged_orders_kept', oks, 'acknowledged orders', 0 FROM asked
UNION ALL SELECT 'no_unexpected_orders', orders, 'orders', (SELECT count(*) FROM unknown_keys WHERE may_be_unreported)
    FROM account
UNION ALL SELECT 'one_order_per_key', all_of_them, 'attempts to order', 0 FROM asked
UNION ALL SELECT 'refused_means_no_effect', asked.refused + acted.refused, 'refusals', 0 FROM asked, acted
UNION ALL SELECT 'sold_out_was_true', count(*), '409s', (SELECT count(*) FROM sold_out_was_true_in_doubt)
    FROM refusals
UNION ALL SELECT 'legal_status_paths', orders, 'orders', 0 FROM account
UNION ALL SELECT 'totals_at_order_price',
    (SELECT count(*) FROM totals) + (SELECT count(*) FROM priced_orders), 'totals and prices', 0
UNION ALL SELECT 'bulk_matches_rows', bulk_oks + bulk_refused + acted.bulk, 'lines of bulk calls', 0
    FROM asked, acted;
