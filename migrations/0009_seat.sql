-- Whether the validator was seated when the node was declared, and at which height; none where nobody could tell.
ALTER TABLE node ADD COLUMN seat_height BIGINT CHECK (seat_height >= 0);

ALTER TABLE node ADD COLUMN seated BIGINT CHECK (seated IN (0, 1));
