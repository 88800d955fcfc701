ALTER TABLE products DROP CONSTRAINT stock_not_negative;
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_stock_after_check;
