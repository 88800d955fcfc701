-- Functions that read have SQL bodies (BEGIN ATOMIC). Names are resolved at creation, so the search_path of a
-- caller has no effect. The planner can inline the call and use the filters that are given.
CREATE FUNCTION read_product(wanted_id bigint)
RETURNS SETOF products LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM products WHERE id = wanted_id;
END;

-- SKUs are stored in upper case.
CREATE FUNCTION read_product_by_sku(wanted_sku text)
RETURNS SETOF products LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM products WHERE sku = upper(wanted_sku);
END;

-- The number of all products, or of those in stock.
CREATE FUNCTION count_products(in_stock_only boolean)
RETURNS bigint LANGUAGE sql STABLE
RETURN (SELECT sum(CASE WHEN in_stock_only THEN in_stock ELSE products END)::bigint FROM totals);

-- The id of the product after the first `how_many` of `total` products; null where there is none. The offset may
-- be large, so rows are skipped from the nearer end.
CREATE FUNCTION product_behind(how_many bigint, total bigint, in_stock_only boolean)
RETURNS bigint LANGUAGE sql STABLE
RETURN CASE
    WHEN how_many < total / 2 THEN (
        SELECT id FROM products WHERE NOT in_stock_only OR stock > 0
        ORDER BY id LIMIT 1 OFFSET how_many
    )
    WHEN how_many < total THEN (
        SELECT id FROM products WHERE NOT in_stock_only OR stock > 0
        ORDER BY id DESC LIMIT 1 OFFSET total - 1 - how_many
    )
END;

-- A page of all products, or of all in stock: the table totals has these counts.
CREATE FUNCTION page_products(page bigint, per_page integer, in_stock_only boolean)
RETURNS TABLE (total bigint, id bigint, sku text, name text, price numeric, stock bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT counted.total, listed.*
    FROM count_products(in_stock_only) AS counted(total)
    LEFT JOIN LATERAL (
        SELECT * FROM products
        WHERE products.id >= (SELECT product_behind((page - 1) * per_page, counted.total, in_stock_only))
          AND (NOT in_stock_only OR products.stock > 0)
        ORDER BY products.id LIMIT per_page
    ) AS listed ON TRUE;
END;

-- A page of the products that match the filters, which are counted one by one. A name that contains the search
-- text also contains all its parts of three characters; the index finds these names. A shorter search text has
-- no parts, so all names are read.
CREATE FUNCTION find_products(
    page bigint, per_page integer, search text, min_price numeric, max_price numeric, in_stock_only boolean,
    low_stock_threshold bigint
)
RETURNS TABLE (total bigint, id bigint, sku text, name text, price numeric, stock bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH found AS NOT MATERIALIZED (
        SELECT * FROM products
        WHERE (search IS NULL
               OR strpos(lower(products.name COLLATE pg_c_utf8), lower(search COLLATE pg_c_utf8)) > 0)
          AND (search IS NULL OR length(search) < 3 OR name_parts(products.name) @> name_parts(search))
          AND (min_price IS NULL OR products.price >= min_price)
          AND (max_price IS NULL OR products.price <= max_price)
          AND (NOT in_stock_only OR products.stock > 0)
          AND (low_stock_threshold IS NULL OR products.stock <= low_stock_threshold)
    )
    SELECT counted.total, listed.*
    FROM (SELECT count(*) AS total FROM found) AS counted
    LEFT JOIN (
        SELECT * FROM found ORDER BY found.id LIMIT per_page OFFSET (page - 1) * per_page
    ) AS listed ON TRUE;
END;

-- One page of the products that match the filters, sorted by id. Every row has `total`, the number of matches on
-- all pages. An empty page is one row in which only the total is not null.
CREATE FUNCTION list_products(
    page bigint, per_page integer, search text DEFAULT NULL, min_price numeric DEFAULT NULL,
    max_price numeric DEFAULT NULL, in_stock_only boolean DEFAULT FALSE, low_stock_threshold bigint DEFAULT NULL
)
RETURNS TABLE (total bigint, id bigint, sku text, name text, price numeric, stock bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM page_products(page, per_page, in_stock_only)
    WHERE num_nonnulls(search, min_price, max_price, low_stock_threshold) = 0
    UNION ALL
    SELECT * FROM find_products(page, per_page, search, min_price, max_price, in_stock_only, low_stock_threshold)
    WHERE num_nonnulls(search, min_price, max_price, low_stock_threshold) > 0
    ORDER BY id;
END;
