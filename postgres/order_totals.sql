-- How many orders there are of each status, and what they are worth, kept as they change: to count hundreds
-- of thousands for every list and every summary would slow the shop down the longer it runs.
--
-- One row would be one queue for all. There are 64; a connection changes the one of its own number, and the
-- total is their sum. It does so at the very end of its transaction, when it waits for no other lock any
-- more, so that these rows take part in no deadlock.
CREATE TABLE order_totals (
    slot integer PRIMARY KEY,
    pending bigint NOT NULL DEFAULT 0,
    paid bigint NOT NULL DEFAULT 0,
    shipped bigint NOT NULL DEFAULT 0,
    canceled bigint NOT NULL DEFAULT 0,
    quantity bigint NOT NULL DEFAULT 0,
    value numeric NOT NULL DEFAULT 0
)
WITH (fillfactor = 10);

CREATE FUNCTION count_order()
RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- Null where there is none: before an INSERT, after a DELETE.
    was orders := OLD;
    is_now orders := NEW;
BEGIN
    UPDATE order_totals SET
        pending = pending + (is_now.status IS NOT DISTINCT FROM 'PENDING')::integer
                          - (was.status IS NOT DISTINCT FROM 'PENDING')::integer,
        paid = paid + (is_now.status IS NOT DISTINCT FROM 'PAID')::integer
                    - (was.status IS NOT DISTINCT FROM 'PAID')::integer,
        shipped = shipped + (is_now.status IS NOT DISTINCT FROM 'SHIPPED')::integer
                          - (was.status IS NOT DISTINCT FROM 'SHIPPED')::integer,
        canceled = canceled + (is_now.status IS NOT DISTINCT FROM 'CANCELED')::integer
                            - (was.status IS NOT DISTINCT FROM 'CANCELED')::integer,
        quantity = order_totals.quantity + coalesce(is_now.quantity, 0) - coalesce(was.quantity, 0),
        value = value + coalesce(is_now.quantity * is_now.unit_price, 0)
                      - coalesce(was.quantity * was.unit_price, 0)
    WHERE slot = pg_backend_pid() % 64;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER count_order AFTER INSERT OR UPDATE OR DELETE ON orders
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_order();
