-- The requests and answers of the run's clients. ledger.py fills these tables; of each entry it takes the last
-- line. Times are in seconds of the worker's clock.

-- Acknowledged orders, including lines of bulk calls.
CREATE TEMPORARY TABLE told (
    worker text NOT NULL,
    key text NOT NULL,
    product_id bigint NOT NULL,
    quantity bigint NOT NULL,
    bulk boolean,
    sent double precision NOT NULL,
    answered double precision NOT NULL,
    order_id bigint
);

-- Orders that were refused, or whose outcome is unknown.
CREATE TEMPORARY TABLE untold (
    worker text NOT NULL,
    key text NOT NULL,
    product_id bigint NOT NULL,
    quantity bigint NOT NULL,
    bulk boolean,
    sent double precision NOT NULL,
    answered double precision,
    outcome text NOT NULL,
    status integer,
    tries integer,
    available bigint
);

-- All other acts, and the totals that clients read.
CREATE TEMPORARY TABLE acts (
    worker text NOT NULL,
    act text NOT NULL,
    outcome text NOT NULL,
    sent double precision NOT NULL,
    answered double precision,
    product_id bigint,
    order_id bigint,
    key text,
    "to" text,
    quantity bigint,
    sku text,
    price numeric,
    stock bigint,
    applied bigint,
    race boolean,
    bulk boolean,
    total_value double precision
);

-- Workers that did not report their end: their last acts may be missing in the ledger.
CREATE TEMPORARY TABLE lost_workers (
    worker text NOT NULL
);

-- The audited run: its id, and its start by the database's clock.
CREATE TEMPORARY TABLE run (
    id text NOT NULL,
    mark timestamptz NOT NULL
);
