# In your CI pipeline - update image tag in values file
yq -i '.image.tag = "${{ github.sha }}"' apps/api/values-prod.yaml
git config user.email "ci@example.com"
git config user.name "CI Bot"
git add apps/api/values-prod.yaml
git commit -m "chore: deploy api@${{ github.sha }}"
git push
