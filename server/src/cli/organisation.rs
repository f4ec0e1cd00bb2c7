//! `developer-zone organisation`.

use clap::{Subcommand, builder::BoolishValueParser};
use model::organisation::{Organisation, OrganisationId, Plan};
use serde::Serialize;
use store::{Store, organisations::PlanChange};

use super::{
    arguments,
    output::{self, Row},
};
use crate::error::Error;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create an organisation
    #[command(after_help = "Example:
  developer-zone organisation create --name \"Summit Races\" --plan enterprise --id 903")]
    Create {
        /// Its name
        #[arg(long, env = "DEVELOPER_ZONE_NAME", value_parser = arguments::name)]
        name: String,
        /// Its plan; the Developer Zone and the API need enterprise
        #[arg(long, env = "DEVELOPER_ZONE_PLAN", value_parser = arguments::plan())]
        plan: Plan,
        /// Its number, of at most 15 digits [default: the highest number plus 1]
        #[arg(long, env = "DEVELOPER_ZONE_ID", value_parser = arguments::new_organisation_id)]
        id: Option<OrganisationId>,
    },
    /// List every organisation, by number
    List {
        /// Print a JSON array of objects with id, name and plan
        #[arg(long, env = "DEVELOPER_ZONE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Change the plan of an organisation. When the command ends, every server applies it
    #[command(after_help = "Example:
  developer-zone organisation set-plan --id 903 --plan trial")]
    SetPlan {
        /// The organisation
        #[arg(long, env = "DEVELOPER_ZONE_ID", value_parser = arguments::organisation_id)]
        id: OrganisationId,
        /// The new plan
        #[arg(long, env = "DEVELOPER_ZONE_PLAN", value_parser = arguments::plan())]
        plan: Plan,
    },
}

impl Command {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    /// Those of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        match self {
            Self::Create { name, plan, id } => {
                let created = store.organisations().create(id, &name, plan).await?;
                output::line(format!("Created {created}, plan {}.", created.plan.code()))
            }
            Self::List { json } => {
                let organisations = store.organisations().list().await?;
                let rows: Vec<_> = organisations.into_iter().map(OrganisationRow).collect();
                output::list(&rows, json)
            }
            Self::SetPlan { id, plan } => {
                let PlanChange {
                    organisation,
                    acknowledged,
                } = store.organisations().set_plan(id, plan).await?;
                let plan = organisation.plan.code();
                output::receipt(format!("{organisation} is on plan {plan}."), acknowledged)
            }
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct OrganisationRow(Organisation);

impl Row<3> for OrganisationRow {
    const HEADINGS: [&'static str; 3] = ["ID", "NAME", "PLAN"];

    fn cells(&self) -> [String; 3] {
        let Organisation { id, name, plan } = &self.0;
        [id.to_string(), name.clone(), plan.code().to_owned()]
    }
}
