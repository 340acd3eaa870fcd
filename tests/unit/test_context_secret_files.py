"""Names of files that hold secrets, and of files that only sound like it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from ensemble_lsp.context.content_exclusion import NameRules
from ensemble_lsp.context.secret_files import SECRET_FILE_PATTERNS

KNOWN_BEFORE = (
    ".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ovpn", "*.ppk",
    "*.tfstate", "*.tfvars", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".npmrc", ".pypirc",
    ".pgpass", ".htpasswd", ".git-credentials", ".vault-token", "**/.aws/credentials", "**/.docker/config.json",
    "**/.kube/config", "**/.ssh/**", "**/.gnupg/**", "**/.config/gcloud/**", "**/.azure/**", "credentials.json",
    "secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml",
)  # fmt: skip


def is_secret(path: str) -> bool:
    return NameRules((), ()).reason(PurePosixPath("/home/me/work", path)) is not None


@pytest.mark.parametrize(
    "path",
    [
        ".env", "app/.env.local", ".envrc", "deploy/.envrc", "prod.env", "server.pem", "AuthKey.p8", "release.keystore",
        "id_ed25519", "id_rsa.bak", ".ssh/config", ".netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", "home/.my.cnf",
        ".cargo/credentials.toml", "home/.cargo/credentials.toml", ".aws/credentials", ".docker/config.json", ".kube/config",
        "kubeconfig", "deploy/kubeconfig", "kubeconfig.yaml", "prod.kubeconfig", "service-account.json",
        "my-service-account.json", "serviceAccountKey.json", "app-firebase-adminsdk-x1-2.json",
        "terraform.tfstate", "terraform.tfstate.backup", "terraform.tfstate.1700000000.backup", "prod.tfvars",
        "wp-config.php", "site/wp-config.php", "appsettings.Production.json", "src/appsettings.Development.json",
        "secrets.yaml", "app/secrets.yml", "db-secret.yaml", "credentials.json", "client_secret_1.json", ".htpasswd",
        ".git-credentials", ".vault-token", ".bash_history", "local.settings.json", ".streamlit/secrets.toml",
        "config/credentials.yml.enc", "config/credentials/production.key", ".pulumi/credentials.json", "rclone.conf",
        ".env~", "#.env#", ".#.env", ".env.swp", "..env.swp", "wp-config.php.bak", "secrets.json.orig", "id_rsa~",
        "wp-config.php.~1~", ".env-prod", ".env_backup", "env.production", "vault.yml", "token.json", "prod.netrc",
        ".env copy", ".env copy 2", ".env (copy)", ".env (another copy)", ".env - Copy", ".env - Copy (2)", "Copy of .env",
        "secrets (copy).json", "secrets copy.json", "wp-config - Copy.php", "id_rsa (1)", ".env copy.local",
        "kubeconfig copy",
        ".gemini/oauth_creds.json", ".claude.json", ".local/share/opencode/auth.json", ".config/github-copilot/apps.json",
        "dev/shm/pass.Ab1/x-mail.txt", "tmp/gopass-edit12/secret", "tmp/ansible-local-12/tmpab.yml",
        ".secrets.toml", "firebase-adminsdk.json", ".config/stripe/config.toml", ".local/share/fish/fish_history",
    ],
)  # fmt: skip
def test_files_with_secrets(path: str) -> None:
    assert is_secret(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/secrets.py", "src/tokens.ts", "password.py", "src/auth.json", "docs/env.md", "environment.py",
        "src/config.json",
        "pkg/kubeconfig/loader.go", "src/shadow/dom.js", "appsettings.json", "src/key.rs", "keys.go", "settings.xml",
        "src/credentials/store.go", "credentials.py", "application.yml", "main.tf", "Cargo.toml", "package.json",
        "config/database.rb", "src/env/index.ts", "src/pem.c", "identity/model.py", "nginx.conf", "id.py", "README.md",
        "main copy.py", "env copy.md", "tokens (copy).ts", "Copy of notes.md", "a b (1).py", "copy.py", " copy", "(1)",
        "src/pass.1/a.py",
    ],
)  # fmt: skip
def test_files_that_only_sound_like_it(path: str) -> None:
    assert not is_secret(path)


def test_patterns_are_in_lower_case_and_name_each_file_once() -> None:
    assert [each for each in SECRET_FILE_PATTERNS if each != each.lower()] == []
    assert len(set(SECRET_FILE_PATTERNS)) == len(SECRET_FILE_PATTERNS)


def test_no_name_that_was_known_before_is_lost() -> None:
    for pattern in KNOWN_BEFORE:
        path = (
            pattern.replace("**/", "home/")
            .replace("/home", "")
            .replace("**", "a")
            .replace("*", "a")
        )
        assert is_secret(path), pattern
