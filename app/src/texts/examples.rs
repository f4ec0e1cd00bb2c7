//! Examples of calls of the external API, in the languages of integrations.
//!
//! The documentation and the dialog of a new token show the same text. In the documentation the key comes from the
//! environment; beside a new token it is in the text.
//!
//! Each example runs as printed, with only the language installed: Python 3 and Node.js have an HTTP client.

use model::all_variants;

/// The environment variable with the key, for examples without the key itself.
pub const KEY_VARIABLE: &str = "API_TOKEN";

/// The language of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A shell with curl.
    Curl,
    /// Python 3, with its own library.
    Python,
    /// JavaScript, as an ES module for Node.js 18 or newer.
    JavaScript,
}

impl Language {
    /// Every language, in the order of the tabs.
    pub const ALL: [Self; 3] = all_variants![Curl, Python, JavaScript];

    /// The label of its tab.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Curl => "cURL",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        }
    }
}

/// The key of an example.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// The key is in the text, which is then as secret as the key.
    Literal(&'a str),
    /// The key comes from [`KEY_VARIABLE`].
    Environment,
}

/// The call that an example makes. Its texts are not escaped: they must contain no quotation marks, backslashes or `$`,
/// except double quotation marks in the body.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Scheme, host and port of the API, for example `https://api.9pic.ai`.
    pub origin: &'a str,
    /// Path and query, beginning with `/`.
    pub path: &'a str,
    /// The JSON to send, on one line. With a body the call is a POST, without one a GET.
    pub body: Option<&'a str>,
    /// The key to send.
    pub key: Key<'a>,
}

impl Call<'_> {
    /// The call, written in `language`.
    pub fn written_in(&self, language: Language) -> String {
        match language {
            Language::Curl => self.curl(),
            Language::Python => self.python(),
            Language::JavaScript => self.javascript(),
        }
    }

    fn curl(&self) -> String {
        let Self { origin, path, .. } = self;
        let key = match self.key {
            Key::Literal(key) => key.to_owned(),
            Key::Environment => format!("${KEY_VARIABLE}"),
        };
        let body = self.body.map_or_else(String::new, |body| {
            format!("  -H \"Content-Type: application/json\" \\\n  -d '{body}' \\\n")
        });
        format!("curl -sS -H \"X-API-Key: {key}\" \\\n{body}  \"{origin}{path}\"\n")
    }

    fn python(&self) -> String {
        let Self { origin, path, .. } = self;
        let (import, key) = match self.key {
            Key::Literal(key) => ("", format!("\"{key}\"")),
            Key::Environment => ("import os\n", format!("os.environ[\"{KEY_VARIABLE}\"]")),
        };
        let (headers, data) = match self.body {
            None => (format!("{{\"X-API-Key\": {key}}}"), String::new()),
            Some(body) => (
                format!("{{\"X-API-Key\": {key}, \"Content-Type\": \"application/json\"}}"),
                format!("    data=b'{body}',\n"),
            ),
        };
        // Python raises an exception for a refusal. The body of the response contains the reason.
        format!(
            "{import}import urllib.error\nimport urllib.request\n\n\
             request = urllib.request.Request(\n    \
                 \"{origin}{path}\",\n    \
                 headers={headers},\n\
             {data})\n\
             try:\n    \
                 response = urllib.request.urlopen(request)\n\
             except urllib.error.HTTPError as refused:\n    \
                 response = refused\n\
             print(response.read().decode())\n"
        )
    }

    fn javascript(&self) -> String {
        let Self { origin, path, .. } = self;
        let key = match self.key {
            Key::Literal(key) => format!("\"{key}\""),
            Key::Environment => format!("process.env.{KEY_VARIABLE}"),
        };
        let (method, headers, body) = match self.body {
            None => ("", format!("{{ \"X-API-Key\": {key} }}"), String::new()),
            Some(body) => (
                "  method: \"POST\",\n",
                format!("{{ \"X-API-Key\": {key}, \"Content-Type\": \"application/json\" }}"),
                format!("  body: '{body}',\n"),
            ),
        };
        format!(
            "const response = await fetch(\"{origin}{path}\", {{\n\
             {method}  headers: {headers},\n\
             {body}}});\n\
             console.log(await response.text());\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Call<'_> = Call {
        origin: "https://api.9pic.ai",
        path: "/api/v1/ext/903/event/456/ping",
        body: None,
        key: Key::Environment,
    };

    #[test]
    fn an_example_with_a_key_from_the_environment_names_the_variable() {
        for language in Language::ALL {
            let text = PING.written_in(language);
            assert!(text.contains(KEY_VARIABLE), "{text}");
        }
    }

    #[test]
    fn a_literal_key_is_in_each_example_exactly_once() {
        let key = Key::Literal("k7Q2xSecret");
        for language in Language::ALL {
            let text = Call { key, ..PING }.written_in(language);
            assert_eq!(text.matches("k7Q2xSecret").count(), 1, "{text}");
            assert!(!text.contains(KEY_VARIABLE), "{text}");
        }
    }
}
