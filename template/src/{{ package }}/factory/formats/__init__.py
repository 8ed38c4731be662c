"""What others read: the contract, the model card and the deliveries in the formats of catalogues and hubs."""
