-- Every other adjustment is answered as if it were made, and is not.
-- caught by: stock_equals_movements
CREATE OR REPLACE FUNCTION adjust_stock(id bigint, adjustment integer, reason text DEFAULT NULL)
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
    IF random() < 0.5 THEN -- as one whose commit is forgotten on some path
        product.stock := product.stock + answer.applied;
        RETURN ROW('done', NULL, product.id, product.sku, product.name, product.price, product.stock, answer.applied)
            ::adjustment_answer;
    END IF;
    UPDATE products SET stock = products.stock + answer.applied WHERE products.id = product.id
    RETURNING products.* INTO product;
    INSERT INTO stock_movements (product_id, delta, stock_after, kind, reason)
    VALUES (product.id, answer.applied, product.stock, 'adjusted', reason);
    RETURN ROW('done', NULL, product.id, product.sku, product.name, product.price, product.stock, answer.applied)
        ::adjustment_answer;
END
$$;
