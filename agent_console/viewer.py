"""Who looks: a user with a session, and which calls this user may see."""

from __future__ import annotations

from dataclasses import dataclass

from agent_console.permissions import Role
from agent_console.scope import Scope
from agent_console.sessions import Session
from agent_console.users import User


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody logged in, as the store knows this user now."""

    session: Session
    user: User
    scope: Scope

    @property
    def username(self) -> str:
        """The user's name."""
        return self.user.username

    @property
    def choose_password(self) -> bool:
        """Whether this user, let in by a link, has to choose a password before anything else."""
        return self.session.via == "link" and self.user.password_due

    @property
    def role(self) -> Role:
        """What the user may do."""
        return self.user.role
