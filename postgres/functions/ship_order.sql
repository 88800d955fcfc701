-- PAID → SHIPPED.
CREATE FUNCTION ship_order(id bigint)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    shipped orders;
BEGIN
    UPDATE orders SET status = 'SHIPPED', shipped_at = clock_timestamp()
    WHERE orders.id = ship_order.id AND orders.status = 'PAID'
    RETURNING orders.* INTO shipped;
    IF NOT FOUND THEN
        RETURN refuse_order(id, 'not_shippable');
    END IF;
    RETURN order_done(shipped);
END
$$;
