package main

import (
	"context"
	"encoding/json"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	applister "github.com/argoproj/argo-cd/v3/pkg/client/listers/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/session"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/golang-jwt/jwt/v5"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
)

// sessionCase is a token, made by the peer's library, and what the peer's session manager says of it. Its clock is the machine's: times
// of tokens lie far before or behind.
type sessionCase struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
	// What argocd-cm and argocd-secret hold.
	Config   map[string]string `json:"config,omitempty"`
	Secret   map[string]string `json:"secret"`
	Projects []json.RawMessage `json:"projects,omitempty"`
	Alg      string            `json:"alg,omitempty"`
	Key      string            `json:"key,omitempty"`
	Header   map[string]any    `json:"header,omitempty"`
	Claims   map[string]any    `json:"claims,omitempty"`
	// A token as it is, instead of one that is made.
	Raw string `json:"raw,omitempty"`

	Token string `json:"token"`
	// Whose it is, or why it does not count.
	Subject string `json:"subject,omitempty"`
	Error   string `json:"error,omitempty"`
	// Where Capstan means to differ: the subject, or "refused".
	Ours string `json:"ours,omitempty"`
}

func answerSession(c *sessionCase) error {
	logrus.SetLevel(logrus.PanicLevel)
	c.Subject, c.Error = "", ""
	if err := c.make(); err != nil {
		return err
	}
	manager, err := c.manager()
	if err != nil {
		return err
	}
	claims, _, err := manager.VerifyToken(c.Token)
	if err != nil {
		c.Error = err.Error()
		return nil
	}
	c.Subject, err = claims.GetSubject()
	return err
}

func (c *sessionCase) make() error {
	if c.Raw != "" {
		c.Token = c.Raw
		return nil
	}
	alg := c.Alg
	if alg == "" {
		alg = "HS256"
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(alg), jwt.MapClaims(c.Claims))
	for name, value := range c.Header {
		token.Header[name] = value
	}
	key := any([]byte(c.Key))
	switch {
	case alg == "none":
		key = jwt.UnsafeAllowNoneSignatureType
	case c.Key == "":
		key = []byte(c.Secret["server.secretkey"])
	}
	signed, err := token.SignedString(key)
	c.Token = signed
	return err
}

func (c *sessionCase) manager() (*session.SessionManager, error) {
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"}}
	}
	secret := &corev1.Secret{ObjectMeta: meta("argocd-secret"), Data: map[string][]byte{}}
	for key, value := range c.Secret {
		secret.Data[key] = []byte(value)
	}
	objects := []runtime.Object{secret, &corev1.ConfigMap{ObjectMeta: meta("argocd-cm"), Data: c.Config}}
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, raw := range c.Projects {
		project := &v1alpha1.AppProject{}
		if err := json.Unmarshal(raw, project); err != nil {
			return nil, err
		}
		project.Namespace = namespace
		// As the server does before it looks.
		project.NormalizeJWTTokens()
		if err := indexer.Add(project); err != nil {
			return nil, err
		}
	}
	manager := settings.NewSettingsManager(context.Background(), fake.NewClientset(objects...), namespace)
	projects := applister.NewAppProjectLister(indexer).AppProjects(namespace)
	return session.NewSessionManager(manager, projects, "", nil, session.NewUserStateStorage(nil)), nil
}
