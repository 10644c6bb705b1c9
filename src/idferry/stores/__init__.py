"""What sign-ins remember: booked attempts and submissions. It must not know passwords, nor the ledger's file."""
