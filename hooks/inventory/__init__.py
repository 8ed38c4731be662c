"""What an organisation's projects say of themselves, gathered from their branches factory/status."""
