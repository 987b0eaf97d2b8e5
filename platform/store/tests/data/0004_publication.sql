INSERT INTO publication (season, number, digest, previous, windows, document, published_ms)
VALUES (
    'spring',
    1,
    '801884535805d55109643a3b14177fa9463adf99f9bb2a58f5db8b1df0a86211',
    NULL,
    1,
    BYTES('{"schema":1,"number":1,"last":false,"demonstration":true,"published_ms":1800000000001,"windows":1,"season":"675e4fa395c8694cef1a924c29208733e047ba01b234fc3ef494a0ecffb36fcd","rulebook":"72b6689cf49c7b5f53497442c5623bd23f6442134016c14430822da7dd450589","seed":null,"previous":null,"ranking":{"entries":[{"operator":"alpha","status":"ranked","place":1,"range":[1,2],"range_all":[1,2],"total":87654,"interval":[80000,90000],"spread":1234,"windows":1,"cuts":0,"voids":0,"trials":[],"seat_key":87654,"seat_chance":500,"lottery":false,"findings":[]},{"operator":"north","status":"ranked","place":1,"range":[1,2],"range_all":[1,2],"total":87654,"interval":[80000,90000],"spread":1234,"windows":1,"cuts":0,"voids":0,"trials":[],"seat_key":87654,"seat_chance":500,"lottery":false,"findings":[]}],"controls":[{"operator":"control-1","status":"provisional","place":null,"range":null,"range_all":null,"total":87654,"interval":[80000,90000],"spread":1234,"windows":1,"cuts":0,"voids":0,"trials":[],"seat_key":null,"seat_chance":null,"lottery":false,"findings":[]},{"operator":"control-2","status":"provisional","place":null,"range":null,"range_all":null,"total":87654,"interval":[80000,90000],"spread":1234,"windows":1,"cuts":0,"voids":0,"trials":[],"seat_key":null,"seat_chance":null,"lottery":false,"findings":[]}],"expected_wrong_seats":500},"decisions":[],"runs":{"w01.traffic.north.1":{"run":{"window":1,"trial":"traffic","operator":"north","attempt":1},"evidence":"b093b2049e76d00f18ec8913e7fa9877bec802bc936f6bfed89704e59241b24e","state":"measured","score":null}}}'),
    1800000000001
);

INSERT INTO decision (
    season, number, operator, publication, publication_digest, verdict, reason, reviewer, replaces, decided_ms
)
VALUES
    ('spring', 1, 'north', 1, '801884535805d55109643a3b14177fa9463adf99f9bb2a58f5db8b1df0a86211', 'admit', '1위', 'R. Viewer', NULL, 1800000003000),
    ('spring', 2, 'north', 1, '801884535805d55109643a3b14177fa9463adf99f9bb2a58f5db8b1df0a86211', 'waitlist', 'its seat is taken', 'R. Viewer', 1, 1800000004000);
