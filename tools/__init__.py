"""What operators and developers run beside the product. It is no part of the installed package."""
