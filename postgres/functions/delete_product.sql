-- Deletes a product without orders. Its lock prevents new orders while the function checks for orders. Without
-- the lock, the check of the foreign key would lock rows of orders, and could deadlock with other transactions.
CREATE FUNCTION delete_product(id bigint)
RETURNS product_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    gone products;
    answer product_answer;
BEGIN
    SELECT products.* INTO gone FROM products WHERE products.id = delete_product.id FOR UPDATE;
    IF NOT FOUND THEN
        answer.outcome := 'product_not_found';
        RETURN answer;
    END IF;
    IF EXISTS (SELECT FROM orders WHERE orders.product_id = gone.id) THEN
        answer.outcome := 'product_in_use';
        RETURN answer;
    END IF;

    DELETE FROM products WHERE products.id = gone.id;
    INSERT INTO stock_movements (product_id, delta, stock_after, kind)
    VALUES (gone.id, -gone.stock, 0, 'removed');
    RETURN product_done(gone);
END
$$;
