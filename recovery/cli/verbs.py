"""Every verb, in the order of ``recovery --help``. To add one: a file beside this, a line here."""

from recovery.cli.accounts import app as accounts
from recovery.cli.app import app
from recovery.cli.aws import aws
from recovery.cli.capture import capture
from recovery.cli.clean import clean
from recovery.cli.configure import configure
from recovery.cli.datastore import app as datastore
from recovery.cli.doctor import doctor
from recovery.cli.drill import drill
from recovery.cli.export import export
from recovery.cli.failover import failover
from recovery.cli.hunts import app as hunts
from recovery.cli.material import material
from recovery.cli.package import remember
from recovery.cli.plan import plan
from recovery.cli.points import points
from recovery.cli.restore import restore
from recovery.cli.schedule import schedule
from recovery.cli.standby import app as standby
from recovery.cli.status import status
from recovery.cli.vault import vault
from recovery.cli.verify import verify
from server_deb.commands import app as package

app.command()(restore)
app.command()(verify)
app.command()(capture)
app.command()(export)
app.command()(status)
app.command()(configure)
app.command()(material)
app.command()(failover)
app.command()(plan)
app.command()(drill)
app.command()(doctor)
app.command()(clean)
app.add_typer(schedule, name="schedule")
app.add_typer(points, name="points")
app.add_typer(vault, name="vault")
app.add_typer(datastore, name="datastore")
app.add_typer(standby, name="standby")
app.add_typer(accounts, name="accounts")
app.add_typer(hunts, name="hunts")
app.add_typer(
    package,
    name="package",
    help="Server packages: build, inspect.",
    result_callback=remember,
)
app.add_typer(aws, name="aws")
