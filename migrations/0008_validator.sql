-- The validator that an operator runs, in its chain's spelling, and its key's signature over the claim.
ALTER TABLE node ADD COLUMN validator TEXT;

ALTER TABLE node ADD COLUMN validator_proof TEXT;

CREATE UNIQUE INDEX node_validator ON node (season, validator) WHERE withdrawn_ms IS NULL AND validator IS NOT NULL;
