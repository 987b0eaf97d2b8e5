INSERT INTO node (season, operator, number, rpc, target, path, region, client, declared_ms, withdrawn_ms, validator, validator_proof)
VALUES
    ('spring', 'gone', 1, 'http://127.0.0.1:8553', '127.0.0.1:8553', 'direct', NULL, NULL, 1800000001000, 1800000002000, '0x00000000000000000000000000000000000000aa', '0x1b'),
    ('spring', 'gone', 2, 'http://127.0.0.1:8553', '127.0.0.1:8553', 'direct', NULL, NULL, 1800000002000, NULL, '0x00000000000000000000000000000000000000aa', '0x1c');
