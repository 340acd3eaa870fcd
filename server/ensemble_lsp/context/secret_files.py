"""Names of files that hold secrets: such a file is never sent to a remote model."""

from __future__ import annotations

SECRET_FILE_PATTERNS: tuple[str, ...] = (
    # A file of this name, and not a folder: first, so that the rules below count in such a folder too.
    "kubeconfig", "!**/kubeconfig/**",
    # Environments and shells.
    ".env", ".env.*", ".env-*", ".env_*", "env.prod*", "env.local",
    "*.env", ".envrc", ".envrc.*", ".flaskenv", ".dev.vars", ".dev.vars.*",
    ".bash_history", ".zsh_history", ".sh_history", ".psql_history", ".mysql_history",
    ".python_history", ".node_repl_history", ".rediscli_history", ".irb_history",
    "fish_history", ".sqlite_history",
    # What password managers and editors of secrets open in an editor.
    "**/shm/pass.*/**", "**/tmp/pass.*/**", "**/gopass-edit*/**", "**/ansible-local-*/**", "*-credentials.yml",
    # Private keys, key stores and password stores.
    "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.pkcs12", "*.jks", "*.jceks", "*.bks", "*.keystore",
    "*.truststore", "*.kdb", "*.kdbx", "*.psafe3", "*.agilekeychain", "*.keychain", "*.keychain-db",
    "*.ppk", "*.ovpn", "*.snk", "*.mobileprovision", "secring.*",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "ssh_host_*_key", "wg[0-9].conf", "wg-*.conf",
    "**/.ssh/**", "**/.gnupg/**", "**/.password-store/**", "**/wireguard/*.conf", "keystore.properties",
    "key.properties", "signing.properties", "**/config/credentials.yml.enc",
    "**/config/credentials/*.key", "*.agekey", "**/sops/age/**",
    # Clients of registries, hosts and databases.
    ".netrc", "_netrc", "*.netrc", ".sentryclirc", "pip.conf", ".condarc", "ngrok.yml", "token.json",
    "token.pickle", ".credentials.json", "**/.codex/auth.json", "**/.vercel/auth.json", "**/doctl/config.yaml",
    "**/.mc/config.json", "**/.dbt/profiles.yml", "**/.idea/webservers.xml",
    ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".pgpass", "pgpass.conf",
    ".pg_service.conf", ".my.cnf", "my.cnf", ".mylogin.cnf", ".mongorc.js", ".htpasswd",
    ".git-credentials", ".gitcookies", ".vault-token", ".dockercfg", ".dockerconfigjson", ".s3cfg", ".boto",
    ".passwd-s3fs", ".terraformrc", "terraform.rc", "credentials.tfrc.json", ".cargo/credentials",
    "**/.cargo/credentials", "**/.cargo/credentials.toml", "**/.gem/credentials", "**/.bundle/config",
    "**/.composer/auth.json", "**/.m2/settings.xml", "**/.m2/settings-security.xml",
    "**/.gradle/gradle.properties", "**/.nuget/nuget.config", "nuget.config", "**/.config/gh/hosts.yml",
    "**/.config/hub", "**/.config/glab-cli/config.yml", "**/.config/git/credentials", "**/.jupyter/**/*.json",
    "**/.databrickscfg", ".databrickscfg", ".snowsql/config", "**/.snowsql/config", "**/.snowflake/*.toml",
    "**/.kaggle/kaggle.json", "kaggle.json", "**/.huggingface/token", "**/huggingface/token", ".fly/config.yml",
    "**/.fly/config.yml", "**/.netlify/config.json", "**/.config/heroku/**", "**/.pulumi/credentials.json",
    "**/.config/rclone/rclone.conf", "rclone.conf", ".rclone.conf", ".muttrc", ".msmtprc", ".fetchmailrc",
    ".smbcredentials", "**/.irssi/config", "**/.purple/accounts.xml", "filezilla.xml", "recentservers.xml",
    "sitemanager.xml", "sftp-config.json", "**/.vscode/sftp.json", ".ftpconfig", ".remote-sync.json",
    "oauth_creds.json", ".claude.json", "**/opencode/auth.json",
    "**/github-copilot/*.json", "**/.config/op/**", "**/.wrangler/config/**", "**/.config/stripe/config.toml",
    "**/configstore/firebase-tools.json", "**/.expo/state.json", "**/hcloud/cli.toml", "**/.railway/config.json",
    "**/.supabase/access-token", "**/pypoetry/auth.toml", ".clasprc.json",
    "datasources.local.xml", "**/.idea/datasources.local.xml",
    "**/jenkins/credentials.xml", "hudson.util.secret",
    # Clouds and clusters.
    "**/.aws/credentials", "**/.aws/config", "**/.aws/sso/**", "**/.docker/config.json", "**/.kube/**",
    "kubeconfig.*", "*.kubeconfig", "*-kubeconfig.yaml", "*-kubeconfig.yml",
    "kubelet.conf", "**/.config/gcloud/**", "**/.azure/**", "**/.oci/**",
    "**/.config/doctl/**", "**/.bluemix/**", "**/.aliyun/**", "**/.vault.d/**", "accesstokens.json",
    "azureprofile.json", "application_default_credentials.json", "service-account*.json",
    "service_account*.json", "serviceaccount*.json", "*-service-account.json", "*_service_account.json",
    "*serviceaccountkey*.json", "*firebase-adminsdk*.json", "gcp-key*.json", "gcloud-key*.json",
    "client_secret*.json", "client-secret*.json",
    "credentials.json", "credentials.yml", "credentials.yaml", "credentials.toml",
    "*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json", "**/.terraform/terraform.tfstate",
    "*.vault.yml", "vault.yml", "vault.yaml", "vault_pass*", ".vault_pass*",
    ".vault-password*", "*.dockerconfigjson", "*.publishsettings", "*.azureauth",
    # Applications.
    "secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml", "secrets.ini", "secrets.properties",
    "secrets.xml", "secrets.env", "secret.json", "secret.yaml", "secret.yml", "secret.toml",
    ".secrets.*", "*.secret", "*.secrets", "*.secret.yaml", "*.secret.yml", "*-secret.yaml", "*-secret.yml",
    "*.secrets.yaml", "*.secrets.yml", "*-secrets.yaml", "*-secrets.yml", "secret_token.rb",
    "**/.streamlit/secrets.toml", "**/.secrets/**", "wp-config.php", "wp-config-*.php",
    "local_settings.py", "local.properties", "localsettings.php", "settings.local.php",
    "appsettings.production.json", "appsettings.staging.json",
    "appsettings.development.json", "appsettings.local.json", "local.settings.json", "secrets.local.*",
    "**/usersecrets/**/secrets.json", "application-prod*.properties", "application-prod*.yml",
    "application-prod*.yaml", "application-local.properties", "application-local.yml",
    "application-secret*.*",
    "wpa_supplicant.conf", "*.nmconnection",
    "krb5.keytab", "*.keytab", "otr.private_key", "wallet.dat",
)  # fmt: skip
"""Patterns as in ``.gitignore``, in lower case: compare them with a path in lower case. One with a slash in it
counts from the top of the workspace, unless ``**/`` says otherwise."""
