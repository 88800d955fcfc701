-- The functions run with the rights of their caller. So `api` has exactly the rights on tables that they need.
-- Only the owner can change or delete a line of the stock ledger.
GRANT SELECT ON schema_version TO api;
GRANT SELECT, INSERT, UPDATE, DELETE ON products, orders TO api;
GRANT SELECT, INSERT, DELETE ON order_keys TO api;
GRANT SELECT, INSERT ON stock_movements TO api;
GRANT SELECT, UPDATE ON totals TO api;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO api;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO api;
REVOKE EXECUTE ON FUNCTION read_usage FROM api; -- the only function with the owner's rights

GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor;
GRANT EXECUTE ON FUNCTION read_usage TO auditor;

RESET ROLE;
