-- PENDING → PAID.
CREATE FUNCTION pay_order(id bigint)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    paid orders;
BEGIN
    UPDATE orders SET status = 'PAID', paid_at = clock_timestamp()
    WHERE orders.id = pay_order.id AND orders.status = 'PENDING'
    RETURNING orders.* INTO paid;
    IF NOT FOUND THEN
        RETURN refuse_order(id, 'not_payable');
    END IF;
    RETURN order_done(paid);
END
$$;
