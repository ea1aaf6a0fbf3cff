# In any pipeline: a tag in a values file that is not called values.yaml.
capstan image set --repo "$GITOPS_REPO" --branch main --path apps/api/values-prod.yaml --values-key image.tag \
  --author "CI Bot <ci@example.com>" --message "chore: deploy api@$GITHUB_SHA" "api:$GITHUB_SHA"
