"""Names of files that hold secrets, and of files that only sound like it."""

from __future__ import annotations

import pytest

from ensemble_lsp.context.content_exclusion import SECRET_NAMES
from ensemble_lsp.context.ignore import compile_rules
from ensemble_lsp.context.secret_files import SECRET_FILE_PATTERNS

RULES = compile_rules(SECRET_FILE_PATTERNS)


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
    ],
)  # fmt: skip
def test_files_with_secrets(path: str) -> None:
    assert RULES.verdict(path.lower())


@pytest.mark.parametrize(
    "path",
    [
        "src/secrets.py", "src/tokens.ts", "password.py", "src/auth.json", "docs/env.md", "environment.py",
        "src/config.json",
        "pkg/kubeconfig/loader.go", "src/shadow/dom.js", "appsettings.json", "src/key.rs", "keys.go", "settings.xml",
        "src/credentials/store.go", "credentials.py", "application.yml", "main.tf", "Cargo.toml", "package.json",
        "config/database.rb", "src/env/index.ts", "src/pem.c", "identity/model.py", "nginx.conf", "id.py", "README.md",
    ],
)  # fmt: skip
def test_files_that_only_sound_like_it(path: str) -> None:
    assert not RULES.verdict(path.lower())


def test_patterns_are_in_lower_case_and_name_each_file_once() -> None:
    assert [each for each in SECRET_FILE_PATTERNS if each != each.lower()] == []
    assert len(set(SECRET_FILE_PATTERNS)) == len(SECRET_FILE_PATTERNS)


def test_no_name_that_was_known_before_is_lost() -> None:
    for pattern in SECRET_NAMES:
        path = (
            pattern.replace("**/", "home/")
            .replace("/home", "")
            .replace("**", "a")
            .replace("*", "a")
        )
        assert RULES.verdict(path), pattern
