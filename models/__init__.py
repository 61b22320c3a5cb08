"""Parameter sets of synapse models, as TOML files with units and citations."""
