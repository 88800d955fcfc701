-- An order that leaves PENDING is counted where it goes, and stays counted where it was.
-- caught by: summary_equals_recount
CREATE OR REPLACE FUNCTION count_order()
RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- Null where there is none: before an INSERT, after a DELETE.
    was orders := OLD;
    is_now orders := NEW;
BEGIN
    UPDATE totals SET
        pending = pending + (is_now.status IS NOT DISTINCT FROM 'PENDING')::integer,
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
