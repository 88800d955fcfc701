-- The number and the value of products and orders, updated with each change. Counting rows for every list and
-- every summary would become slower as the tables grow.
--
-- With a single row, all transactions would wait for its lock. So there are 64 rows: each connection updates
-- one, chosen by its process id, and the total is their sum. The triggers are deferred to the end of the
-- transaction. It waits for no other lock then, so these rows cause no deadlock. Products and orders share a
-- row for the same reason: two rows could be locked in opposite orders.
CREATE TABLE totals (
    slot integer PRIMARY KEY,
    products bigint NOT NULL DEFAULT 0,
    in_stock bigint NOT NULL DEFAULT 0,
    low_stock bigint NOT NULL DEFAULT 0,
    stock_quantity bigint NOT NULL DEFAULT 0,
    stock_value numeric NOT NULL DEFAULT 0,
    pending bigint NOT NULL DEFAULT 0,
    paid bigint NOT NULL DEFAULT 0,
    shipped bigint NOT NULL DEFAULT 0,
    canceled bigint NOT NULL DEFAULT 0,
    quantity bigint NOT NULL DEFAULT 0,
    value numeric NOT NULL DEFAULT 0
)
WITH (fillfactor = 10);

-- A stock of 10 or less is low.
CREATE FUNCTION count_product()
RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- Null where there is none: before an INSERT, after a DELETE.
    was products := OLD;
    is_now products := NEW;
BEGIN
    UPDATE totals SET
        products = totals.products + (is_now.id IS NOT NULL)::integer - (was.id IS NOT NULL)::integer,
        in_stock = in_stock + coalesce(is_now.stock > 0, FALSE)::integer - coalesce(was.stock > 0, FALSE)::integer,
        low_stock = low_stock + coalesce(is_now.stock <= 10, FALSE)::integer
                              - coalesce(was.stock <= 10, FALSE)::integer,
        stock_quantity = stock_quantity + coalesce(is_now.stock, 0) - coalesce(was.stock, 0),
        stock_value = stock_value + coalesce(is_now.stock * is_now.price, 0) - coalesce(was.stock * was.price, 0)
    WHERE slot = pg_backend_pid() % 64;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER count_product AFTER INSERT OR UPDATE OR DELETE ON products
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_product();

CREATE FUNCTION count_order()
RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- Null where there is none: before an INSERT, after a DELETE.
    was orders := OLD;
    is_now orders := NEW;
BEGIN
    UPDATE totals SET
        pending = pending + (is_now.status IS NOT DISTINCT FROM 'PENDING')::integer
                          - (was.status IS NOT DISTINCT FROM 'PENDING')::integer,
        paid = paid + (is_now.status IS NOT DISTINCT FROM 'PAID')::integer
                    - (was.status IS NOT DISTINCT FROM 'PAID')::integer,
        shipped = shipped + (is_now.status IS NOT DISTINCT FROM 'SHIPPED')::integer
                          - (was.status IS NOT DISTINCT FROM 'SHIPPED')::integer,
        canceled = canceled + (is_now.status IS NOT DISTINCT FROM 'CANCELED')::integer
                            - (was.status IS NOT DISTINCT FROM 'CANCELED')::integer,
        quantity = totals.quantity + coalesce(is_now.quantity, 0) - coalesce(was.quantity, 0),
        value = value + coalesce(is_now.quantity * is_now.unit_price, 0)
                      - coalesce(was.quantity * was.unit_price, 0)
    WHERE slot = pg_backend_pid() % 64;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER count_order AFTER INSERT OR UPDATE OR DELETE ON orders
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_order();
