-- The order is written before the stock is looked at, and a refusal undoes nothing of it.
-- caught by: refused_means_no_effect
CREATE OR REPLACE FUNCTION place_order(product_id bigint, quantity integer, key text DEFAULT NULL)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    answer order_answer;
    product products;
BEGIN
    answer.outcome := 'done';
    answer.id := nextval('orders_id_seq');
    answer.product_id := product_id;
    answer.quantity := quantity;
    answer.status := 'PENDING';
    answer.created_at := clock_timestamp();

    IF key IS NOT NULL THEN
        INSERT INTO order_keys VALUES (key, answer.id, product_id, quantity, answer.created_at)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN replay_order(product_id, quantity, key);
        END IF;
    END IF;

    INSERT INTO orders (id, product_id, quantity, unit_price, created_at)
    SELECT answer.id, products.id, place_order.quantity, products.price, answer.created_at
    FROM products WHERE products.id = place_order.product_id;

    LOOP
        UPDATE products SET stock = products.stock - place_order.quantity
        WHERE products.id = place_order.product_id AND products.stock >= place_order.quantity
        RETURNING products.* INTO product;
        EXIT WHEN FOUND;

        SELECT products.* INTO product FROM products WHERE products.id = place_order.product_id;
        IF NOT FOUND THEN
            answer.outcome := 'product_not_found';
        ELSIF product.stock < quantity THEN
            answer.outcome := 'insufficient_stock';
            answer.about := product.stock;
        ELSE
            CONTINUE; -- units came in between the two statements
        END IF;

        RETURN answer;
    END LOOP;

    INSERT INTO stock_movements (product_id, order_id, delta, stock_after, kind)
    VALUES (product_id, answer.id, -quantity, product.stock, 'placed');

    RETURN answer;
END
$$;
