"""What the person at the sign-in page reads: every text of it in one place.

The words are our own; which cases have words of their own is assumed from the pages of an external tenant.
"""

WRONG_PASSWORD = "Your password is not correct. Try again, or select Forgot your password."
UNKNOWN = "We could not find an account with this name."
LOCKED = "Your account is temporarily locked to prevent unauthorized use. Try again later."
DISABLED = "Your account is disabled. Contact the support of the application."
NAME_MISSING = "Enter your e-mail address or user name."
ADDRESS_MISSING = "Enter your e-mail address."
DISPLAY_NAME_MISSING = "Enter a name."
PASSWORD_MISSING = "Enter your password."
RESET_REQUIRED = "You need to choose a new password before you can sign in."
NO_RESET = (
    "This account has no e-mail address that a code could be sent to. Contact the support of the application."
)
BLOCKED_TITLE = "You cannot sign in"
BLOCKED = "Your sign-in was blocked."
FAILED = "Something went wrong. Try again later."
CODE_SENT = "We sent a code to the e-mail address of your account. Enter it to go on."
CODE_SENT_TO_NEW = "We sent a code to this e-mail address. Enter it to go on."
ADDRESS_TAKEN = "There is an account with this e-mail address already. Sign in with it."
CODE_WRONG = "This code is not correct or no longer good."
PASSWORDS_DIFFER = "The two passwords are not the same."
PASSWORD_WEAK = (
    "Choose a password of 8 to 256 characters with three of: lower case, upper case, digits, symbols."
)
PASSWORD_CHANGED = "Your password was changed"
SIGN_IN_AGAIN = "Sign in with the new one."
FLOW_UNKNOWN = "This page is no longer good. Go back to the application and sign in again."
