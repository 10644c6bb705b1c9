"""What tests share: builders, fakes, and the emulator as a process."""
