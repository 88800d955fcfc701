-- Adds or withdraws units. A withdrawal larger than the stock takes the whole stock. `applied` and the stock
-- ledger have the units really added or taken. An adjustment cannot raise the stock over 1,000,000.
CREATE FUNCTION adjust_stock(id bigint, adjustment integer, reason text DEFAULT NULL)
RETURNS adjustment_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    product products;
    answer adjustment_answer;
BEGIN
    SELECT products.* INTO product FROM products WHERE products.id = adjust_stock.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        answer.outcome := 'product_not_found';
        RETURN answer;
    END IF;
    IF adjustment > 0 AND product.stock + adjustment > 1000000 THEN
        answer.outcome := 'stock_limit_exceeded';
        answer.about := product.stock;
        RETURN answer;
    END IF;

    answer.applied := greatest(adjustment, -product.stock);
    UPDATE products SET stock = products.stock + answer.applied WHERE products.id = product.id
    RETURNING products.* INTO product;
    INSERT INTO stock_movements (product_id, delta, stock_after, kind, reason)
    VALUES (product.id, answer.applied, product.stock, 'adjusted', reason);
    RETURN ROW('done', NULL, product.id, product.sku, product.name, product.price, product.stock, answer.applied)
        ::adjustment_answer;
END
$$;
