-- Texts are stored with a checksum from now on (`store::content`). A version that cannot read them must not open this log.
UPDATE log SET generation = generation;
