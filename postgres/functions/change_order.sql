-- Changes the quantity, the status, or both; null means no change. The stock changes with the quantity, and a
-- change to CANCELED returns the units. Either everything is done or nothing.
CREATE FUNCTION change_order(id bigint, quantity integer, status text)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    now_ordered orders;
    answer order_answer;
BEGIN
    SELECT orders.* INTO now_ordered FROM orders WHERE orders.id = change_order.id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN refuse_order(id, 'order_not_found');
    END IF;

    IF quantity IS NOT NULL AND now_ordered.status <> 'PENDING' THEN
        RETURN refuse_order(id, 'quantity_locked');
    END IF;
    IF status IS NOT NULL AND NOT may_follow(now_ordered.status, status) THEN
        RETURN refuse_order(id, 'invalid_transition');
    END IF;

    IF quantity <> now_ordered.quantity THEN
        answer := change_quantity(now_ordered, quantity);
        IF answer.outcome <> 'done' THEN
            RETURN answer;
        END IF;
    END IF;
    RETURN CASE status
        WHEN 'PAID' THEN pay_order(id)
        WHEN 'SHIPPED' THEN ship_order(id)
        WHEN 'CANCELED' THEN cancel_order(id)
        ELSE (SELECT order_done(orders) FROM orders WHERE orders.id = change_order.id)
    END;
END
$$;

CREATE FUNCTION may_follow(status text, next text)
RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN (status, next) IN
        (('PENDING', 'PAID'), ('PENDING', 'CANCELED'), ('PAID', 'SHIPPED'), ('PAID', 'CANCELED'));

-- Takes the difference from the stock, or returns it. The caller must have locked the order's row.
CREATE FUNCTION change_quantity(ordered orders, quantity integer)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    available bigint;
    answer order_answer;
BEGIN
    SELECT products.stock INTO available FROM products
    WHERE products.id = ordered.product_id FOR NO KEY UPDATE;
    IF available < quantity - ordered.quantity THEN
        answer.outcome := 'insufficient_stock';
        answer.about := available;
        RETURN answer;
    END IF;

    PERFORM return_units(ordered.product_id, ordered.id, ordered.quantity - quantity, 'changed');
    UPDATE orders SET quantity = change_quantity.quantity WHERE orders.id = ordered.id;
    answer.outcome := 'done';
    RETURN answer;
END
$$;
