INSERT INTO network (id, family, chain_id, genesis, incarnation)
VALUES ('1ccff5aa844f5eb387dc1227c79fde0a5701197adb452c6c98bdfd9ffb328ca3', 'evm', '18446744073709551615', '0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', 1);

INSERT INTO season (id, stage, network, document, digest, created_ms, frozen_ms, changed_ms)
VALUES (
    'spring',
    'trials',
    '1ccff5aa844f5eb387dc1227c79fde0a5701197adb452c6c98bdfd9ffb328ca3',
    BYTES('{"schema":1,"name":"Spring","demonstration":true,"network":{"family":"evm","chain_id":18446744073709551615,"genesis":"0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","incarnation":1},"operators":[{"id":"north","name":"북쪽 검증인","role":"candidate"},{"id":"alpha","name":"Alpha \"Validators\" & Söhne","role":"candidate"},{"id":"control-1","name":"control-1","role":"control"},{"id":"control-2","name":"control-2","role":"control"}],"trials":[{"id":"traffic","version":1,"path":"direct","schedule":"together","weight":2,"parameters":{"challenge":"spam-defense","honest_rate":20,"horizon_blocks":20,"base_ms":2000,"attack_ms":2000,"settle_ms":0,"recover_ms":2000,"intensities":[50],"vectors":["V01","V07"]}},{"id":"spam","version":1,"path":"direct","schedule":"together","weight":1,"parameters":{"challenge":"spam-defense","honest_rate":20,"horizon_blocks":20,"base_ms":2000,"attack_ms":2000,"settle_ms":0,"recover_ms":2000,"intensities":[50],"vectors":["V01","V07"]}}],"windows":2,"attempts":3,"seats":1,"rulebook":"72b6689cf49c7b5f53497442c5623bd23f6442134016c14430822da7dd450589","seed_commitment":"b0108604ae5013b99fa31f3be8a3d18aec9d89cae3247e25ca257a8f45f3fdd1"}'),
    '675e4fa395c8694cef1a924c29208733e047ba01b234fc3ef494a0ecffb36fcd',
    1800000000000, 1800000000000, 1800000000000
);

INSERT INTO season (id, stage, declaration, created_ms, changed_ms)
VALUES ('autumn', 'draft', BYTES('name = "가을"'), 1800000001000, 1800000001000);

INSERT INTO trial (season, id, number, document)
VALUES
    ('spring', 'traffic', 1, BYTES('{"id":"traffic","version":1,"path":"direct","schedule":"together","weight":2,"parameters":{"challenge":"spam-defense","honest_rate":20,"horizon_blocks":20,"base_ms":2000,"attack_ms":2000,"settle_ms":0,"recover_ms":2000,"intensities":[50],"vectors":["V01","V07"]}}')),
    ('spring', 'spam', 2, BYTES('{"id":"spam","version":1,"path":"direct","schedule":"together","weight":1,"parameters":{"challenge":"spam-defense","honest_rate":20,"horizon_blocks":20,"base_ms":2000,"attack_ms":2000,"settle_ms":0,"recover_ms":2000,"intensities":[50],"vectors":["V01","V07"]}}'));

INSERT INTO season_window (season, number, opened_ms)
VALUES ('spring', 1, 1800000000000), ('spring', 2, NULL);
