"""The hosted page of the emulated external tenant as a front: links and forms over HTTP, codes from the mailbox."""

from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.hosted_pages import HostedPage, HostedPages
from tests.support.password_submit import REDIRECT_URI
from tests.support.sign_in_ends import End

from idferry.emulator.password_submit import texts
from idferry.service.messages import TEXTS, Text

_OURS = TEXTS["en"]
_SAID = {
    texts.WRONG_PASSWORD: End.WRONG,
    texts.UNKNOWN: End.UNKNOWN,
    texts.ADDRESS_TAKEN: End.TAKEN,
    texts.NO_RESET: End.MUST_RESET,
    texts.DISABLED: End.DISABLED,
    _OURS[Text.TRY_LATER]: End.LATER,
    _OURS[Text.BARRED]: End.BARRED,
}
_TITLES = {End.LATER: _OURS[Text.OUTAGE_TITLE], End.BARRED: _OURS[Text.BARRED_TITLE]}


class ExternalFront:
    """One browser without scripts; a new visit for each thing that is done."""

    def __init__(self, emulator: Emulator, tenant: EmulatedTenant, client_id: str) -> None:
        self._emulator = emulator
        self._tenant = tenant
        self._client_id = client_id
        self._pages = HostedPages(tenant)

    def sign_in(self, name: str, password: str) -> End:
        """Name and password are typed, one page after the other."""
        named = self._visit().submit(sign_in_name=name)
        return self._end(named if named.alert else named.submit(password=password))

    def sign_in_after(self, wrong: str, name: str, password: str) -> tuple[End, End]:
        """A wrong password, then on the same page this one."""
        again = self._visit().submit(sign_in_name=name).submit(password=wrong)
        return self._end(again), self._end(again.submit(password=password))

    def sign_up(self, name: str, password: str) -> End:
        """The address is proven, then name and password are chosen."""
        code = self._letter(name, self._visit().follow("Create one"), address=name)
        assert code is not None, "a letter goes to whatever address is typed"
        if code.alert:
            return self._end(code)
        return self._end(code.submit(display_name="Somebody", password=password, again=password))

    def reset(self, name: str, password: str) -> End:
        """The address is proven, then the new password is chosen; without a letter nobody gets that far."""
        choose = self._letter(name, self._visit().follow("Forgot your password?"), sign_in_name=name)
        if choose is None:
            return End.UNKNOWN
        done = choose.submit(password=password, again=password)
        assert done.heading == texts.PASSWORD_CHANGED, done.text
        return End.RESET

    def close(self) -> None:
        """Closes the connection."""
        self._pages.close()

    def _visit(self) -> HostedPage:
        return self._pages.open(self._client_id, REDIRECT_URI)

    def _letter(self, to: str, page: HostedPage, **fields: str) -> HostedPage | None:
        """What comes after the code from the letter that this page sends; None: it sends nobody one."""
        before = len(self._emulator.letters(self._tenant))
        code = page.submit(**fields)
        letters = self._emulator.letters(self._tenant)
        if len(letters) == before:
            return None
        assert letters[0]["to"].lower() == to.lower()
        return code.submit(code=letters[0]["code"])

    def _end(self, page: HostedPage) -> End:
        if page.answer.status_code == 303:
            return End.TOKEN if "code" in page.redirected else End.FAILED
        if texts.RESET_REQUIRED in page.text and not page.alert:
            return End.MUST_RESET
        end = _SAID[page.alert]
        assert page.heading == _TITLES.get(end, page.heading)
        return end
