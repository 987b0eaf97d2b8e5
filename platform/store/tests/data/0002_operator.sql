INSERT INTO operator (season, id, account, name, role, standing, contact, created_ms, changed_ms)
VALUES
    ('spring', 'north', '0x0000000000000000000000000000000000000001', '북쪽 검증인', 'candidate', 'competing', 'ops@example.org', 1800000000000, 1800000001000),
    ('spring', 'alpha', NULL, 'Alpha "Validators" & Söhne', 'candidate', 'competing', NULL, 1800000000000, 1800000000000),
    ('spring', 'control-1', NULL, 'control-1', 'control', 'competing', NULL, 1800000000000, 1800000000000),
    ('spring', 'control-2', NULL, 'control-2', 'control', 'competing', NULL, 1800000000000, 1800000000000),
    ('spring', 'gone', NULL, 'gone', 'candidate', 'withdrawn', NULL, 1800000000000, 1800000000000);

INSERT INTO node (season, operator, number, rpc, target, path, region, client, declared_ms, withdrawn_ms)
VALUES
    ('spring', 'north', 1, 'http://127.0.0.1:8551', '127.0.0.1:8551', 'direct', NULL, NULL, 1800000001000, 1800000002000),
    ('spring', 'north', 2, 'http://127.0.0.1:8552', '127.0.0.1:8552', 'direct', '서울', 'geth', 1800000002000, NULL),
    ('spring', 'alpha', 1, 'http://127.0.0.1:8551', '127.0.0.1:8551', 'fronted', NULL, NULL, 1800000003000, NULL);
